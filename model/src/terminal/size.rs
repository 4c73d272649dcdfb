//! How large a terminal is, within what the engine can be trusted with.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Columns and rows of a terminal, always within [`Size::SMALLEST`] and [`Size::LARGEST`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(try_from = "Sides", into = "Sides")]
pub struct Size {
    columns: u16,
    rows: u16,
}

/// As it stands on the wire.
#[derive(Serialize, Deserialize)]
struct Sides {
    columns: u16,
    rows: u16,
}

/// A size that no terminal here can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a terminal of {columns}×{rows} is impossible: 2×1 to 500×200 is")]
pub struct InvalidSize {
    /// The columns as given.
    pub columns: u16,
    /// The rows as given.
    pub rows: u16,
}

impl Size {
    /// A wide character needs two columns; the emulator loops for ever with one.
    pub const SMALLEST: Self = Self { columns: 2, rows: 1 };

    /// More than a 4K screen shows; memory, and the bound on a snapshot, follow from it.
    pub const LARGEST: Self = Self { columns: 500, rows: 200 };

    /// What a terminal has before anybody said otherwise.
    pub const DEFAULT: Self = Self { columns: 120, rows: 40 };

    /// Exactly this size.
    pub fn new(columns: u16, rows: u16) -> Result<Self, InvalidSize> {
        let size = Self::nearest(columns, rows);
        if size != (Self { columns, rows }) {
            return Err(InvalidSize { columns, rows });
        }
        Ok(size)
    }

    /// The possible size that is nearest to this one.
    pub fn nearest(columns: u16, rows: u16) -> Self {
        Self {
            columns: columns.clamp(Self::SMALLEST.columns, Self::LARGEST.columns),
            rows: rows.clamp(Self::SMALLEST.rows, Self::LARGEST.rows),
        }
    }

    /// Columns.
    pub fn columns(self) -> u16 {
        self.columns
    }

    /// Rows.
    pub fn rows(self) -> u16 {
        self.rows
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.columns, self.rows)
    }
}

impl TryFrom<Sides> for Size {
    type Error = InvalidSize;
    fn try_from(Sides { columns, rows }: Sides) -> Result<Self, InvalidSize> {
        Self::new(columns, rows)
    }
}

impl From<Size> for Sides {
    fn from(Size { columns, rows }: Size) -> Self {
        Self { columns, rows }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_possible_sizes_exist() {
        for (columns, rows, possible) in [
            (2, 1, true),
            (500, 200, true),
            (1, 1, false),
            (2, 0, false),
            (501, 200, false),
            (500, 201, false),
        ] {
            assert_eq!(Size::new(columns, rows).is_ok(), possible, "{columns}x{rows}");
            let nearest = Size::nearest(columns, rows);
            assert_eq!(Size::new(nearest.columns(), nearest.rows()), Ok(nearest));
        }
    }

    #[test]
    fn the_wire_holds_the_bounds_too() {
        let read = |text: &str| serde_json::from_str::<Size>(text).map_err(|e| e.to_string());
        assert_eq!(read(r#"{"columns":80,"rows":24}"#), Ok(Size::new(80, 24).unwrap()));
        let refused = read(r#"{"columns":1,"rows":24}"#).unwrap_err();
        assert!(refused.contains("1×24") && refused.contains("2×1"), "{refused}");
    }
}
