//! Reading a file for the bank (`pain.001`) that went out before a state was restored.

use praman_circuits::payee::Payee;
use roxmltree::Node;

use super::payment_file::ISO_KIND;

/// The most bytes of an id.
const ID_BYTES_MAX: usize = 64;

/// A file for the bank that was written before the state was restored.
pub struct LostFile {
    /// What kind of file it is.
    pub(super) kind: &'static str,
    /// Its message's id.
    pub message: String,
    /// What is in it.
    pub transfers: Vec<LostTransfer>,
    /// Whether it has all parts of each claim that it pays.
    pub(super) has_all_parts: bool,
}

/// A transfer in a file for the bank.
pub struct LostTransfer {
    /// Its reference.
    pub reference: String,
    pub(super) rupees: Option<u32>,
    pub(super) payee: Payee,
}

impl LostFile {
    /// Reads a `pain.001`; none for another kind of file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &str) -> Result<Option<Self>, String> {
        if !text.contains("pain.001.") {
            return Ok(None);
        }
        let document = roxmltree::Document::parse(text).map_err(|error| error.to_string())?;
        let root = document.root_element();
        if !root.tag_name().namespace().is_some_and(|namespace| namespace.contains("pain.001.")) {
            return Ok(None);
        }
        let named = |node: Node<'_, '_>, path: &[&str]| -> Option<String> {
            let at = path.iter().try_fold(node, |node, name| {
                node.children().find(|child| child.tag_name().name() == *name)
            });
            at?.text().map(|text| text.trim().to_owned())
        };
        let of = |name| root.descendants().filter(move |node| node.tag_name().name() == name);
        let message = of("GrpHdr").find_map(|header| named(header, &["MsgId"])).unwrap_or_default();
        let transfer = |node: Node<'_, '_>| {
            let reference = named(node, &["PmtId", "EndToEndId"])?;
            let amount = named(node, &["Amt", "InstdAmt"]).unwrap_or_default();
            let (rupees, paise) = amount.split_once('.').unwrap_or((amount.as_str(), ""));
            let is_whole = paise.bytes().all(|digit| digit == b'0');
            let payee = Payee {
                account: named(node, &["CdtrAcct", "Id", "Othr", "Id"]).unwrap_or_default(),
                ifsc: named(node, &["CdtrAgt", "FinInstnId", "ClrSysMmbId", "MmbId"])
                    .unwrap_or_default(),
                name: named(node, &["Cdtr", "Nm"]).unwrap_or_default(),
            };
            let rupees = rupees.parse().ok().filter(|_| is_whole);
            Some(LostTransfer { reference, rupees, payee })
        };
        let transfers: Vec<LostTransfer> = of("CdtTrfTxInf").filter_map(transfer).collect();
        if message.is_empty() || transfers.is_empty() {
            return Err("the payment file names no message or no transfer".to_owned());
        }
        let is_long = |name: &String| name.len() > ID_BYTES_MAX;
        if is_long(&message) || transfers.iter().any(|one| is_long(&one.reference)) {
            return Err(format!("an id is longer than {ID_BYTES_MAX} characters"));
        }
        Ok(Some(Self { kind: ISO_KIND, message, transfers, has_all_parts: true }))
    }
}
