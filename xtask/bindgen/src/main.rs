//! `deputize-bindgen <module.wasm> <folder>` writes `deputize.wasm` and the
//! script around it. A program of its own, so that only who builds the module
//! waits for wasm-bindgen to compile.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    let [module, folder] = words.as_slice() else {
        eprintln!("usage: deputize-bindgen <module.wasm> <folder>");
        return ExitCode::FAILURE;
    };
    let mut bindgen = wasm_bindgen_cli_support::Bindgen::new();
    let ran = bindgen.web(true).and_then(|bindgen| {
        bindgen
            .input_path(module)
            .out_name("glue")
            // Where the module lies is said by whoever loads it: bundlers and
            // CommonJS cannot make anything of a guess.
            .omit_default_module_path(true)
            // After a trap nothing in the instance can be relied upon: it is replaced.
            .reset_state_function(true)
            .remove_name_section(true)
            .remove_producers_section(true)
            .typescript(true)
            .generate(folder)
    });
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
