//! The words after a command's name.

use xtask::failure::Failure;

/// What was typed after the command.
pub(crate) struct Words(Vec<String>);

impl Words {
    pub(crate) fn new(words: impl Iterator<Item = String>) -> Self {
        Self(words.collect())
    }

    /// All of them, for another program; a `--` in front is left out.
    pub(crate) fn rest(mut self) -> Vec<String> {
        if self.0.first().is_some_and(|word| word == "--") {
            self.0.remove(0);
        }
        self.0
    }

    /// Nothing may be there.
    pub(crate) fn none(self) -> Result<(), Failure> {
        self.flags(&[]).map(|_| ())
    }

    /// Each must be one of these.
    pub(crate) fn flags(self, known: &[&str]) -> Result<Vec<String>, Failure> {
        match self.0.iter().find(|word| !known.contains(&word.as_str())) {
            None => Ok(self.0),
            Some(word) if known.is_empty() => {
                Err(Failure::Found(format!("`{word}`: nothing is taken here")))
            }
            Some(word) => Err(Failure::Found(format!(
                "`{word}` is not known here; there is {}",
                known.join(", ")
            ))),
        }
    }

    /// At most one, of these.
    pub(crate) fn one_flag<'k>(self, known: &[&'k str]) -> Result<Option<&'k str>, Failure> {
        match self.flags(known)?.as_slice() {
            [] => Ok(None),
            [one] => Ok(known.iter().copied().find(|known| known == one)),
            several => Err(Failure::Found(format!(
                "only one of {} at a time",
                several.join(", ")
            ))),
        }
    }

    /// A number from 1 to `most`, or `usual` where none is given.
    pub(crate) fn number(self, usual: u32, most: u32) -> Result<u32, Failure> {
        let wrong = || Failure::Found(format!("a number from 1 to {most} is taken here"));
        match self.0.as_slice() {
            [] => Ok(usual),
            [one] => match one.parse() {
                Ok(number) if (1..=most).contains(&number) => Ok(number),
                _ => Err(wrong()),
            },
            _ => Err(wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Words {
        Words::new(text.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn what_is_not_known_is_told_with_what_is() {
        let told = words("--tset").flags(&["--test", "--sizes"]).unwrap_err();
        let expected = "`--tset` is not known here; there is --test, --sizes";
        assert_eq!(told.to_string(), expected);
        let known = ["--test", "--sizes"];
        assert!(words("--test --sizes").one_flag(&known).is_err());
        let one = words("--sizes").one_flag(&known);
        assert_eq!(one.unwrap(), Some("--sizes"));
        assert!(words("x").none().is_err());
    }

    #[test]
    fn a_number_is_within_its_bounds() {
        assert_eq!(words("").number(10, 600).unwrap(), 10);
        assert_eq!(words("600").number(10, 600).unwrap(), 600);
        for wrong in ["0", "601", "ten", "1 2"] {
            assert!(words(wrong).number(10, 600).is_err(), "{wrong}");
        }
    }

    #[test]
    fn words_are_passed_on_as_they_are() {
        assert_eq!(words("-- --write bank").rest(), ["--write", "bank"]);
        assert_eq!(words("--write --").rest(), ["--write", "--"]);
    }
}
