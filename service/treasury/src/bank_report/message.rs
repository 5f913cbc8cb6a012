//! Finding a report in a file: in its encoding, within anything that a bank has put around it.

use std::collections::HashSet;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use roxmltree::{Document, Node};

use super::{ReportFault, ReportKind};
use crate::own_name::OwnName;

/// How deep elements may be nested.
const DEPTH_MAX: usize = 48;

/// How many elements, attributes and texts a file may have.
const NODES_MAX: u32 = 40_000_000;

/// Decodes an XML file, by its byte order mark or the encoding that it declares, else as UTF-8.
///
/// # Errors
/// What is wrong with it.
pub fn decode(bytes: &[u8]) -> Result<String, String> {
    let encoding = match Encoding::for_bom(bytes) {
        Some((encoding, _)) => encoding,
        None => match bytes {
            // Without a mark, the first character of every XML file says which one it is.
            [b'<', 0, ..] => UTF_16LE,
            [0, b'<', ..] => UTF_16BE,
            _ => declared(bytes.trim_ascii_start())?,
        },
    };
    let (text, _, is_broken) = encoding.decode(bytes);
    if is_broken {
        return Err(format!(
            "the file is not in {}, the encoding that it declares or that XML requires",
            encoding.name()
        ));
    }
    Ok(text.into_owned())
}

/// Returns the encoding that the XML declaration names.
fn declared(bytes: &[u8]) -> Result<&'static Encoding, String> {
    const DECLARATION_MAX: usize = 256;
    let head: String = bytes.iter().take(DECLARATION_MAX).map(|&byte| byte as char).collect();
    let declaration = head.strip_prefix("<?xml").and_then(|rest| rest.split_once("?>"));
    let Some((_, value)) = declaration.and_then(|(rest, _)| rest.split_once("encoding")) else {
        return Ok(UTF_8);
    };
    let quoted = value.trim_start().strip_prefix('=').map(str::trim_start);
    let quote = quoted.and_then(|quoted| quoted.chars().next());
    let label = quoted.zip(quote).and_then(|(quoted, quote)| quoted[1..].split(quote).next());
    let label = label.unwrap_or_default();
    // A file that declares UTF-16 and has no byte order mark could not have been read this far.
    let known = Encoding::for_label(label.as_bytes()).filter(|known| known.is_ascii_compatible());
    known.ok_or_else(|| format!("the file's encoding {label:?} is not known here"))
}

/// Parses a text. A text with a document type is refused: no bank's report has one.
pub(super) fn parse(text: &str) -> Result<Document<'_>, ReportFault> {
    let options = roxmltree::ParsingOptions { nodes_limit: NODES_MAX, ..Default::default() };
    let document = Document::parse_with_options(text, options).map_err(|error| {
        let line = error.pos().row.max(1) as usize;
        let reason = match error {
            roxmltree::Error::DtdDetected => "a report must not have a document type".to_owned(),
            roxmltree::Error::NoRootNode | roxmltree::Error::UnclosedRootNode => {
                "the report ends before its end".to_owned()
            }
            other => other.to_string(),
        };
        ReportFault { line, reason }
    })?;
    let deepest = document
        .descendants()
        .filter(Node::is_element)
        .find(|node| node.ancestors().nth(DEPTH_MAX).is_some());
    match deepest {
        None => Ok(document),
        Some(node) => {
            let line = document.text_pos_at(node.range().start).row as usize;
            Err(ReportFault { line, reason: format!("elements nest deeper than {DEPTH_MAX}") })
        }
    }
}

/// Returns the reports that an envelope has as texts, where it has none as elements.
pub(super) fn inner(document: &Document<'_>) -> Vec<String> {
    let is_document = |node: &Node<'_, '_>| node.tag_name().name() == "Document";
    if document.descendants().any(|node| is_document(&node)) {
        return Vec::new();
    }
    let texts = document.descendants().filter(Node::is_element).filter_map(|node| {
        let parts = node.children().filter(Node::is_text).filter_map(|part| part.text());
        let text: String = parts.collect();
        let is_report = text.trim_start().starts_with('<') && text.contains("Document");
        is_report.then_some(text)
    });
    texts.collect()
}

/// The messages of a file, by kind.
pub(super) struct Found<'a, 'i> {
    /// What kind of report it is.
    pub(super) kind: ReportKind,
    /// The reports.
    pub(super) messages: Vec<Node<'a, 'i>>,
    /// Messages of kinds that are not read here.
    pub(super) others: Vec<Node<'a, 'i>>,
}

/// Finds the messages of a file: each report in a `Document` of its namespace, with anything around it.
/// National variants have the same names. An empty one beside others is ignored.
///
/// # Errors
/// [`ReportFault`] naming what the file is instead.
pub(super) fn find<'a, 'i>(document: &'a Document<'i>) -> Result<Found<'a, 'i>, ReportFault> {
    let fault = |reason: String| Err(ReportFault { line: 1, reason });
    let (mut found, mut others) = (Vec::new(), Vec::new());
    let (mut named, mut is_empty) = (None, false);
    for node in document.descendants().filter(|node| node.tag_name().name() == "Document") {
        let namespace = node.tag_name().namespace().unwrap_or_default();
        let kind = ReportKind::ALL
            .iter()
            .copied()
            .find(|kind| namespace.contains(&format!("{}.", kind.name())));
        match (kind, node.first_element_child()) {
            (Some(kind), Some(message)) => found.push((kind, message)),
            (Some(_), None) => is_empty = true,
            (None, _) => {
                named = Some(namespace.to_owned());
                others.push(node);
            }
        }
    }
    let Some(&(kind, _)) = found.first() else {
        if is_empty {
            return fault("the report is empty".to_owned());
        }
        let root = document.root_element().tag_name().name();
        let namespace = named.unwrap_or_else(|| {
            document.root_element().tag_name().namespace().unwrap_or_default().to_owned()
        });
        return fault(format!(
            "the file is neither a pain.002 nor a camt.053: its root is {root} of {namespace:?}"
        ));
    };
    if found.iter().any(|(other, _)| *other != kind) {
        return fault(
            "the file has both status reports and statements: import each separately".to_owned(),
        );
    }
    let messages = found.into_iter().map(|(_, message)| message).collect();
    Ok(Found { kind, messages, others })
}

/// Reads elements by their place in ISO's schemas.
pub(super) trait Element<'a, 'i: 'a> {
    /// Returns the child elements with a name.
    fn all(self, name: &'static str) -> impl Iterator<Item = Node<'a, 'i>>;
    /// Returns the first element at a path of names.
    fn at(self, path: &[&'static str]) -> Option<Node<'a, 'i>>;
    /// Returns its full text, trimmed; none if it has none.
    fn words(self) -> Option<String>;
    /// Returns the text of the first element at a path.
    fn text_at(self, path: &[&'static str]) -> Option<String>;
    /// Returns each name of ours in the texts of the element and its descendants, once.
    fn own_names(self) -> Vec<OwnName>;
}

impl<'a, 'i: 'a> Element<'a, 'i> for Node<'a, 'i> {
    fn all(self, name: &'static str) -> impl Iterator<Item = Node<'a, 'i>> {
        self.children().filter(move |child| child.is_element() && child.tag_name().name() == name)
    }

    fn at(self, path: &[&'static str]) -> Option<Node<'a, 'i>> {
        path.iter().try_fold(self, |node, name| node.all(name).next())
    }

    fn words(self) -> Option<String> {
        const BYTES_MAX: usize = 4_096;
        let mut text = String::new();
        for part in self.children().filter(Node::is_text).filter_map(|part| part.text()) {
            if text.len() + part.len() > BYTES_MAX {
                return None;
            }
            text.push_str(part);
        }
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn text_at(self, path: &[&'static str]) -> Option<String> {
        self.at(path)?.words()
    }

    fn own_names(self) -> Vec<OwnName> {
        let texts = self.descendants().filter(Node::is_element).map(|node| -> String {
            node.children().filter(Node::is_text).filter_map(|part| part.text()).collect()
        });
        let names = texts.flat_map(|text| OwnName::all_within(text.trim()));
        let mut seen = HashSet::new();
        names.filter(|name| seen.insert(name.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_in_the_encoding_that_the_file_says() {
        let latin = b"<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe9</a>";
        assert!(decode(latin).expect("read").ends_with("<a>\u{e9}</a>"));
        let utf16: Vec<u8> =
            "\u{feff}<a>\u{996}</a>".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(decode(&utf16).expect("read"), "<a>\u{996}</a>");
        assert_eq!(decode("\u{feff}<a/>".as_bytes()).expect("read"), "<a/>");
        assert!(decode(b"<a>\xe9</a>").expect_err("no UTF-8").contains("UTF-8"));
        let odd = b"<?xml version=\"1.0\" encoding=\"EBCDIC-US\"?><a/>";
        assert!(decode(odd).expect_err("unknown").contains("EBCDIC-US"));
    }
}
