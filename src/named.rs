//! Enums whose values have fixed names in configuration, database and on the wire.
//!
//! Must never rename a value: the names are stored and promised.

/// The text names none of the values that exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {}", .expected.join(", "))]
pub struct UnknownName {
    /// The names that exist.
    pub expected: &'static [&'static str],
}

/// Declares a fieldless enum with `ALL`, `NAMES`, `name()`, `Display`, `FromStr` and serde by name.
macro_rules! named {
    (
        $(#[$meta:meta])*
        $vis:vis enum $enum:ident {
            $($(#[$doc:meta])* $variant:ident = $name:literal,)+
        }
    ) => {
        $(#[$meta])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
        )]
        $vis enum $enum {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)+
        }

        impl $enum {
            /// Every value, as declared.
            pub const ALL: [Self; Self::NAMES.len()] = [$(Self::$variant,)+];

            /// The name of every value, in the order of `ALL`.
            pub const NAMES: &'static [&'static str] = &[$($name,)+];

            /// The name, as configuration, database and the wire have it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }

        impl std::fmt::Display for $enum {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl std::str::FromStr for $enum {
            type Err = $crate::named::UnknownName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($name => Ok(Self::$variant),)+
                    _ => Err($crate::named::UnknownName { expected: Self::NAMES }),
                }
            }
        }
    };
}

pub(crate) use named;

#[cfg(test)]
mod tests {
    named! {
        /// Of the test.
        enum Animal {
            /// Barks.
            Dog = "dog",
            /// Does not.
            SeaCow = "sea-cow",
        }
    }

    #[test]
    fn names_lead_back_and_others_are_refused_with_those_that_exist() {
        for animal in Animal::ALL {
            assert_eq!(animal.name().parse(), Ok(animal));
        }
        assert_eq!("cow".parse::<Animal>().unwrap_err().to_string(), "expected dog, sea-cow");
        assert_eq!(serde_json::to_string(&Animal::SeaCow).unwrap(), "\"sea-cow\"");
    }
}
