//! CSV (RFC 4180), strictly: every row is a record or is refused. There are no
//! comments, no blanks are trimmed, and a quote belongs around a whole field.

use std::borrow::Cow;

/// The rows of a text, each with the line that it begins in, from 1.
pub(crate) struct Rows<'t> {
    rest: &'t str,
    line: u32,
}

/// A row, and what it is made of.
pub(crate) struct Row<'t> {
    /// The line that it begins in.
    pub(crate) line: u32,
    /// Its fields, or what is wrong with it.
    pub(crate) fields: Result<Vec<Cow<'t, str>>, &'static str>,
}

impl<'t> Rows<'t> {
    pub(crate) fn of(text: &'t str) -> Self {
        Self {
            rest: text,
            line: 1,
        }
    }

    /// Takes as many bytes, which end where a character does.
    fn take(&mut self, bytes: usize) -> &'t str {
        let (taken, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    /// A field without quotes: up to a comma or the end of the line.
    fn bare(&mut self) -> Result<Cow<'t, str>, &'static str> {
        let end = self.rest.find([',', '\n']).unwrap_or(self.rest.len());
        let field = self.take(end);
        let field = match self.rest.starts_with(',') {
            true => field,
            false => field.strip_suffix('\r').unwrap_or(field),
        };
        match field.contains('"') {
            true => Err(
                "a quote stands within a field; put the whole field in quotes, and each of its quotes twice",
            ),
            false => Ok(Cow::Borrowed(field)),
        }
    }

    /// A field in quotes; two stand for one.
    fn quoted(&mut self) -> Result<Cow<'t, str>, &'static str> {
        self.take(1);
        let mut field = Cow::Borrowed("");
        loop {
            let Some(end) = self.rest.find('"') else {
                self.line += self.rest.matches('\n').count() as u32;
                self.rest = "";
                return Err("a quote is opened and never closed");
            };
            let part = self.take(end);
            self.line += part.matches('\n').count() as u32;
            self.take(1);
            match field.is_empty() {
                true => field = Cow::Borrowed(part),
                false => field.to_mut().push_str(part),
            }
            if !self.rest.starts_with('"') {
                break;
            }
            self.take(1);
            field.to_mut().push('"');
        }
        let ended = self.rest.is_empty()
            || self.rest.starts_with([',', '\n'])
            || self.rest.starts_with("\r\n");
        match ended {
            true => {
                if self.rest.starts_with('\r') {
                    self.take(1);
                }
                Ok(field)
            }
            false => Err(
                "something follows a closing quote; put the whole field in quotes, and each of its quotes twice",
            ),
        }
    }

    /// Goes on to the next line.
    fn leave_line(&mut self) {
        let end = self.rest.find('\n').map_or(self.rest.len(), |at| at + 1);
        if self.take(end).ends_with('\n') {
            self.line += 1;
        }
    }
}

impl<'t> Iterator for Rows<'t> {
    type Item = Row<'t>;

    fn next(&mut self) -> Option<Row<'t>> {
        // An empty line is no row.
        while self.rest.starts_with('\n') || self.rest.starts_with("\r\n") {
            self.leave_line();
        }
        if self.rest.is_empty() {
            return None;
        }
        let line = self.line;
        let mut fields = Vec::new();
        loop {
            let field = match self.rest.starts_with('"') {
                true => self.quoted(),
                false => self.bare(),
            };
            match field {
                Ok(field) => fields.push(field),
                Err(problem) => {
                    self.leave_line();
                    return Some(Row {
                        line,
                        fields: Err(problem),
                    });
                }
            }
            if !self.rest.starts_with(',') {
                break;
            }
            self.take(1);
        }
        self.leave_line();
        Some(Row {
            line,
            fields: Ok(fields),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<(u32, Result<Vec<String>, &'static str>)> {
        let fields = |row: Row<'_>| {
            row.fields
                .map(|f| f.into_iter().map(Cow::into_owned).collect())
        };
        Rows::of(text).map(|row| (row.line, fields(row))).collect()
    }

    fn owned(fields: &[&str]) -> Result<Vec<String>, &'static str> {
        Ok(fields.iter().map(|f| (*f).to_owned()).collect())
    }

    #[test]
    fn rows_are_as_rfc_4180_has_them() {
        let text = "a,b\r\n#c, d \r\n\r\n\"e\"\"\",\"f,\r\ng\"\r\n,\n\"\",\"\"\"\"\nlast,";
        assert_eq!(
            rows(text),
            [
                (1, owned(&["a", "b"])),
                (2, owned(&["#c", " d "])),
                (4, owned(&["e\"", "f,\r\ng"])),
                (6, owned(&["", ""])),
                (7, owned(&["", "\""])),
                (8, owned(&["last", ""])),
            ]
        );
        assert_eq!(rows("\n\r\n"), []);
    }

    #[test]
    fn a_row_that_is_damaged_is_one_row() {
        for (text, line) in [
            ("a,b\n\"c\"d,e\nf,g\n", 2),
            ("a,b\nc\"d,e\nf,g\n", 2),
            ("a,b\nc,d\"\nf,g\n", 2),
        ] {
            let found = rows(text);
            assert_eq!(found.len(), 3, "{text}");
            assert!(found[1].1.is_err(), "{text}");
            assert_eq!((found[1].0, &found[2]), (line, &(3, owned(&["f", "g"]))));
        }
        // Where a quote is never closed, nobody knows where the row ends.
        let found = rows("a,b\nc,\"d\ne,f\n");
        assert_eq!(found.len(), 2);
        assert!(found[1].1.is_err());
    }
}
