//! What a part of a question comes to, and what union, intersection and
//! exclusion make of parts. All logic of the three stands in this file.
//!
//! A part that could not be told never becomes a false that is subtracted: an
//! error that OpenFGA would drop stays with the false as [`Value::Passed`], and
//! a false that rests on a cycle through an intersection or an exclusion is
//! [`Value::Cycle`]. Both deny where they are asked for, and neither lets an
//! exclusion allow.

/// What a part of a question comes to. Errors are numbers into a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    True,
    /// It does not hold, and nothing was passed over to say so.
    False,
    /// It rests on a cycle that leads through an intersection or an exclusion.
    Cycle,
    /// A false for which an error was passed over.
    Passed(u32),
    /// It could not be told.
    Error(u32),
}

impl Value {
    /// The stronger one in a union comes later.
    pub(super) fn rank(self) -> u8 {
        match self {
            Self::False => 0,
            Self::Cycle => 1,
            Self::Passed(_) => 2,
            Self::Error(_) => 3,
            Self::True => 4,
        }
    }

    /// A union's operands so far, and one more: what is true decides; else what
    /// could not be told stays.
    pub(super) fn or(self, part: Self) -> Self {
        if part.rank() > self.rank() {
            part
        } else {
            self
        }
    }

    /// What an exclusion comes to.
    pub(super) fn except(self, subtract: Self) -> Self {
        let error = match subtract {
            Self::Passed(error) | Self::Error(error) => Some(error),
            _ => None,
        };
        match (self, subtract, error) {
            (Self::Passed(error), ..) | (Self::Error(error), Self::True, _) => Self::Passed(error),
            (Self::Error(error), ..) | (Self::True, _, Some(error)) => Self::Error(error),
            (_, Self::True, _) => Self::False,
            (Self::True, Self::False, _) => Self::True,
            (Self::True, ..) => Self::Cycle,
            (_, _, Some(error)) => Self::Passed(error),
            (base, ..) => base,
        }
    }
}

/// An intersection's operands so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct All {
    /// Some operand is false, and nothing was passed over to say so.
    refused: bool,
    /// Some operand counts as false.
    lacking: bool,
    /// The first error, passed over or not.
    error: Option<u32>,
}

impl All {
    pub(super) fn add(&mut self, part: Value) {
        match part {
            Value::True => {}
            Value::False => {
                self.refused = true;
                self.lacking = true;
            }
            Value::Cycle => self.lacking = true,
            Value::Passed(error) => {
                self.lacking = true;
                self.error = self.error.or(Some(error));
            }
            Value::Error(error) => self.error = self.error.or(Some(error)),
        }
    }

    pub(super) fn value(self) -> Value {
        match (self.lacking, self.error) {
            (false, None) => Value::True,
            (false, Some(error)) => Value::Error(error),
            (true, Some(error)) => Value::Passed(error),
            (true, None) if self.refused => Value::False,
            (true, None) => Value::Cycle,
        }
    }
}
