//! The result of a command.

use comfy_table::{Table, presets};
use serde::Serialize;
use serde_json::{Value, json};

/// The result of a command, for people and for programs.
#[derive(Debug)]
pub struct Said {
    text: String,
    json: Value,
    failed: bool,
}

impl Said {
    /// A sentence.
    pub fn line(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { json: json!({ "message": &text }), text, failed: false }
    }

    /// A sentence, and what it is about.
    pub(crate) fn about(text: impl Into<String>, subject: impl Serialize) -> anyhow::Result<Self> {
        Ok(Self { text: text.into(), json: serde_json::to_value(subject)?, failed: false })
    }

    /// A table with a line for each item; `none` where there is no item.
    pub(crate) fn table<T: Serialize, const N: usize>(
        items: &[T],
        none: &str,
        header: [&str; N],
        row: impl Fn(&T) -> [String; N],
    ) -> anyhow::Result<Self> {
        let json = serde_json::to_value(items)?;
        if items.is_empty() {
            return Ok(Self { text: none.to_owned(), json, failed: false });
        }
        let mut table = Table::new();
        table.load_preset(presets::NOTHING).set_header(header).add_rows(items.iter().map(row));
        let lines = table.to_string();
        let text = lines.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
        Ok(Self { text, json, failed: false })
    }

    /// The same, of a command that has found a fault.
    pub(crate) fn failed_if(self, failed: bool) -> Self {
        Self { failed, ..self }
    }

    /// True if the command has found a fault.
    pub fn is_failed(&self) -> bool {
        self.failed
    }

    /// The result as JSON, or as text.
    pub fn shown(&self, json: bool) -> String {
        if json { self.json.to_string() } else { self.text.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_text_for_people_and_a_list_for_programs() {
        let row = |item: &(&str, u32)| [item.0.to_owned(), item.1.to_string()];
        let said = Said::table(&[("one", 1), ("three", 333)], "none", ["NAME", "NUMBER"], row).unwrap();
        let lines: Vec<_> =
            said.text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).collect();
        assert_eq!(lines, [["NAME", "NUMBER"], ["one", "1"], ["three", "333"]]);
        assert_eq!(said.shown(true), r#"[["one",1],["three",333]]"#);
        let empty = Said::table(&[], "nothing is there", ["NAME", "NUMBER"], row).unwrap();
        assert_eq!((empty.shown(false).as_str(), empty.shown(true).as_str()), ("nothing is there", "[]"));
    }
}
