//! Structs that are read from rows.

/// Makes a struct that is read from a row, each field from the column of its name.
#[macro_export]
macro_rules! row {
    (
        $(#[$meta:meta])*
        $visible:vis struct $name:ident {
            $($(#[$doc:meta])* $seen:vis $field:ident: $of:ty,)*
        }
    ) => {
        $(#[$meta])*
        $visible struct $name {
            $($(#[$doc])* $seen $field: $of,)*
        }

        impl $crate::sqlx::FromRow<'_, $crate::sqlx::any::AnyRow> for $name {
            fn from_row(row: &$crate::sqlx::any::AnyRow) -> Result<Self, $crate::sqlx::Error> {
                use $crate::sqlx::Row as _;
                Ok(Self { $($field: row.try_get(stringify!($field))?,)* })
            }
        }
    };
}
