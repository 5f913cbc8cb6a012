//! Values that have names in the store and in answers.

use std::fmt;

/// A text for each of some values, and back.
#[macro_export]
macro_rules! named {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name { $($(#[$doc])* $variant,)* }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Returns its name in the store and in answers.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// Returns the value with a name.
            pub fn of_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.name() == name)
            }
        }

        $crate::text_column!($name);
    };
}

/// Makes values that have a `name`, and are found `of_name`, the type of a column. A column with another text
/// can't be read: it is an error, and never read as one of the values.
#[macro_export]
macro_rules! text_column {
    ($name:ident) => {
        impl $crate::sqlx::Type<$crate::sqlx::Any> for $name {
            fn type_info() -> $crate::sqlx::any::AnyTypeInfo {
                <str as $crate::sqlx::Type<$crate::sqlx::Any>>::type_info()
            }
        }

        impl $crate::sqlx::Encode<'_, $crate::sqlx::Any> for $name {
            fn encode_by_ref(
                &self,
                buffer: &mut <$crate::sqlx::Any as $crate::sqlx::Database>::ArgumentBuffer,
            ) -> Result<$crate::sqlx::encode::IsNull, $crate::sqlx::error::BoxDynError> {
                $crate::sqlx::Encode::<$crate::sqlx::Any>::encode(self.name(), buffer)
            }
        }

        impl<'r> $crate::sqlx::Decode<'r, $crate::sqlx::Any> for $name {
            fn decode(
                value: <$crate::sqlx::Any as $crate::sqlx::Database>::ValueRef<'r>,
            ) -> Result<Self, $crate::sqlx::error::BoxDynError> {
                let name = <String as $crate::sqlx::Decode<$crate::sqlx::Any>>::decode(value)?;
                let known = Self::of_name(&name);
                known.ok_or_else(|| $crate::named::UnknownName(stringify!($name)).into())
            }
        }
    };
}

pub use {named, text_column};

/// A column holds a text that is none of its values: the store was written by another program, or is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a column holds a text that is no {0}")]
pub struct UnknownName(pub &'static str);

/// Why a text is not a digest that names something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{what} must have 64 hexadecimal digits, in lower case")]
pub struct InvalidId {
    /// What it should name.
    pub what: &'static str,
}

/// Declares a name that is a digest of what it names.
#[macro_export]
macro_rules! digest_id {
    ($(#[$meta:meta])* $name:ident: $what:literal) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub(super) [u8; 32]);

        impl $name {
            /// Reads it from a column of the store.
            pub fn from_column(column: &[u8]) -> Option<Self> {
                column.try_into().ok().map(Self)
            }

            /// Returns it as stored in a column.
            pub fn column(&self) -> Vec<u8> {
                self.0.to_vec()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                $crate::named::write_hex(f, &self.0)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::named::InvalidId;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let digest = $crate::named::read_digest(text);
                digest.map(Self).ok_or($crate::named::InvalidId { what: $what })
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    };
}
pub use digest_id;

/// Declares a name that is a number, in JSON as well.
#[macro_export]
macro_rules! number_id {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(
            Clone,
            Copy,
            Debug,
            PartialEq,
            Eq,
            PartialOrd,
            Ord,
            Hash,
            serde::Serialize,
            serde::Deserialize,
            utoipa::ToSchema,
        )]
        #[serde(transparent)]
        pub struct $name(pub u32);
    };
}
pub use number_id;

/// Writes a digest in canonical form: digits in lower case.
///
/// # Errors
/// [`fmt::Error`].
pub fn write_hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    f.write_str(&hex::encode(bytes))
}

/// Reads the bytes of a digest in canonical form.
pub fn read_digest(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let canonical = text.bytes().all(|byte| !byte.is_ascii_uppercase());
    hex::decode_to_slice(text, &mut bytes).ok().filter(|()| canonical)?;
    Some(bytes)
}
