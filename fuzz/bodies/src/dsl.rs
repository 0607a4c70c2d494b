//! Any text as a model: what is a model stays the same model when it is
//! printed and read again, and as JSON.

use deputize::model;

/// Takes one input.
pub fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let parsed = match model::load(text) {
        Ok(parsed) => parsed,
        Err(errors) => {
            assert!(!errors.is_empty());
            for error in errors {
                let _ = (error.code(), error.to_string());
            }
            // What validation refuses may still parse, and must print.
            if let Ok(parsed) = model::parse(text) {
                let _ = model::to_dsl(&parsed);
            }
            return;
        }
    };
    if let Ok(printed) = model::to_dsl(&parsed) {
        let again = model::load(&printed).expect("what was printed is a model");
        assert_eq!(model::to_dsl(&again).as_ref(), Ok(&printed));
    }
    let json = model::to_json(&parsed);
    let text = serde_json::to_string(&json).expect("a model is JSON");
    let read = model::from_json(&text).expect("what was written is a model");
    assert_eq!(model::to_json(&read), json);
}
