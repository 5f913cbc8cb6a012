//! The bank's file: ISO 20022 `pain.001.001.09`, customer credit transfer initiation.

use std::io::Cursor;
use std::path::Path;

use crate::refusal::PaymentRefusal;
use jiff::ToSpan;
use jiff::civil::Date;
use praman_circuits::payee::Payee;
use praman_files::FileError;
use praman_register::bank_account::{is_account, is_ifsc};
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

/// The longest name in a bank's file, in characters (`Max140Text`).
const NAME_CHARACTERS_MAX: usize = 140;

/// Who pays.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Debtor {
    /// Its name.
    pub name: String,
    /// Its account.
    pub account: String,
    /// Its branch's IFSC.
    pub ifsc: String,
}

impl Debtor {
    /// Reads who pays from a JSON file.
    ///
    /// # Errors
    /// [`FileError`] if the file can't be read, or a field is not what a bank's file takes: the message names
    /// the field.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let debtor: Self = praman_files::read_json(path)?;
        let name = name_in_file(&debtor.name);
        let fault = if !name.chars().any(char::is_alphabetic) || name != debtor.name {
            "name: write the account holder's name, at most 140 characters"
        } else if !is_account(&debtor.account) {
            "account: write the account number that payments are made from, letters and digits alone"
        } else if !is_ifsc(&debtor.ifsc) {
            "ifsc: write the branch's IFSC, as ABCD0123456"
        } else {
            return Ok(debtor);
        };
        Err(FileError::malformed(path, fault))
    }
}

/// One transfer.
pub(super) struct Transfer<'a> {
    /// The reference that the bank reports back: at most 35 characters, not traceable to a person.
    pub(super) reference: String,
    /// Whole rupees.
    pub(super) amount: u32,
    /// Whom to pay.
    pub(super) payee: &'a Payee,
}

/// The transfers of one day.
pub(super) struct PaymentPart<'a> {
    /// Its number in the file, from 1.
    pub(super) number: u32,
    /// The day.
    pub(super) on: Date,
    /// The transfers; at least one.
    pub(super) transfers: Vec<Transfer<'a>>,
}

/// The payments of one file.
pub(super) struct PaymentBatch<'a> {
    /// The message's id, at most 33 characters.
    pub(super) id: &'a str,
    /// The scheme.
    pub(super) scheme: &'a str,
    /// The day of the file.
    pub(super) created_on: Date,
    /// Who pays.
    pub(super) debtor: &'a Debtor,
    /// The payments, by day.
    pub(super) parts: &'a [PaymentPart<'a>],
}

/// Returns the day of an instalment, spaced evenly over a year.
///
/// # Errors
/// [`PaymentRefusal::Refused`] if it leaves the calendar.
pub(super) fn date_of_part(
    first: Date,
    part: u32,
    instalments: u32,
) -> Result<Date, PaymentRefusal> {
    let months = i64::from(part) * 12 / i64::from(instalments);
    first.checked_add(months.months()).map_err(PaymentRefusal::InstalmentDate)
}

/// Returns the share of an amount in a part; the first part takes the remainder.
pub(super) fn share(amount: u32, part: u32, instalments: u32) -> u32 {
    if part >= instalments {
        return 0;
    }
    amount / instalments + if part == 0 { amount % instalments } else { 0 }
}

/// The kind of a file in ISO's format.
pub(super) const ISO_KIND: &str = "pain.001";

const NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09";

type Xml = Writer<Cursor<Vec<u8>>>;
type Written = std::io::Result<()>;

impl PaymentBatch<'_> {
    /// Returns the file. The same batch gives the same bytes.
    ///
    /// # Errors
    /// [`PaymentRefusal::Refused`] if it can't be written.
    pub(super) fn to_xml(&self) -> Result<Vec<u8>, PaymentRefusal> {
        let mut xml = Writer::new_with_indent(Cursor::new(Vec::new()), b' ', 1);
        self.write(&mut xml).map_err(PaymentRefusal::BankFile)?;
        let mut bytes = xml.into_inner().into_inner();
        bytes.push(b'\n');
        Ok(bytes)
    }

    fn write(&self, xml: &mut Xml) -> Written {
        xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        xml.create_element("Document").with_attribute(("xmlns", NAMESPACE)).write_inner_content(
            |xml| {
                element(xml, "CstmrCdtTrfInitn", |xml| {
                    self.header(xml)?;
                    self.parts.iter().try_for_each(|part| self.payment(xml, part))
                })
            },
        )?;
        Ok(())
    }

    fn header(&self, xml: &mut Xml) -> Written {
        let transfers = || self.parts.iter().flat_map(|part| &part.transfers);
        element(xml, "GrpHdr", |xml| {
            text(xml, "MsgId", self.id)?;
            text(xml, "CreDtTm", &format!("{}T00:00:00", self.created_on))?;
            text(xml, "NbOfTxs", &transfers().count().to_string())?;
            text(xml, "CtrlSum", &format!("{}.00", sum(transfers())))?;
            element(xml, "InitgPty", |xml| text(xml, "Nm", &name_in_file(&self.debtor.name)))
        })
    }

    fn payment(&self, xml: &mut Xml, part: &PaymentPart<'_>) -> Written {
        element(xml, "PmtInf", |xml| {
            text(xml, "PmtInfId", &format!("{}-{}", self.id, part.number))?;
            text(xml, "PmtMtd", "TRF")?;
            text(xml, "NbOfTxs", &part.transfers.len().to_string())?;
            text(xml, "CtrlSum", &format!("{}.00", sum(part.transfers.iter())))?;
            element(xml, "ReqdExctnDt", |xml| text(xml, "Dt", &part.on.to_string()))?;
            element(xml, "Dbtr", |xml| text(xml, "Nm", &name_in_file(&self.debtor.name)))?;
            account(xml, "DbtrAcct", &self.debtor.account)?;
            branch(xml, "DbtrAgt", &self.debtor.ifsc)?;
            part.transfers.iter().try_for_each(|transfer| self.transfer(xml, transfer))
        })
    }

    fn transfer(&self, xml: &mut Xml, transfer: &Transfer<'_>) -> Written {
        let payee = transfer.payee;
        element(xml, "CdtTrfTxInf", |xml| {
            element(xml, "PmtId", |xml| text(xml, "EndToEndId", &transfer.reference))?;
            element(xml, "Amt", |xml| {
                xml.create_element("InstdAmt")
                    .with_attribute(("Ccy", "INR"))
                    .write_text_content(BytesText::new(&format!("{}.00", transfer.amount)))?;
                Ok(())
            })?;
            branch(xml, "CdtrAgt", &payee.ifsc)?;
            element(xml, "Cdtr", |xml| text(xml, "Nm", &name_in_file(&payee.name)))?;
            account(xml, "CdtrAcct", &payee.account)?;
            element(xml, "RmtInf", |xml| text(xml, "Ustrd", self.scheme))
        })
    }
}

fn sum<'a>(transfers: impl Iterator<Item = &'a Transfer<'a>>) -> u64 {
    transfers.map(|transfer| u64::from(transfer.amount)).sum()
}

fn element(xml: &mut Xml, name: &str, body: impl FnOnce(&mut Xml) -> Written) -> Written {
    xml.create_element(name).write_inner_content(body)?;
    Ok(())
}

fn text(xml: &mut Xml, name: &str, content: &str) -> Written {
    xml.create_element(name).write_text_content(BytesText::new(content))?;
    Ok(())
}

fn account(xml: &mut Xml, name: &str, number: &str) -> Written {
    element(xml, name, |xml| {
        element(xml, "Id", |xml| element(xml, "Othr", |xml| text(xml, "Id", number)))
    })
}

/// Writes a branch by its Indian financial system code.
fn branch(xml: &mut Xml, name: &str, ifsc: &str) -> Written {
    element(xml, name, |xml| {
        element(xml, "FinInstnId", |xml| {
            element(xml, "ClrSysMmbId", |xml| {
                element(xml, "ClrSysId", |xml| text(xml, "Cd", "INFSC"))?;
                text(xml, "MmbId", ifsc)
            })
        })
    })
}

/// Returns a name for a bank's file: without characters that XML can't carry, and not too long.
pub(super) fn name_in_file(name: &str) -> String {
    name.chars().filter(|&character| is_in_xml(character)).take(NAME_CHARACTERS_MAX).collect()
}

/// Whether an XML document may have a character in a name. A forbidden one would make the whole file
/// unreadable. Source: XML 1.0, fifth edition, section 2.2, `Char`; control characters are no part of a name.
fn is_in_xml(character: char) -> bool {
    !character.is_control() && !matches!(character, '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use praman_circuits::payee::Payee;
    use serde_json::json;

    use super::*;

    fn payee(name: &str) -> Payee {
        Payee { account: "0123".into(), ifsc: "SBIN0000001".into(), name: name.into() }
    }

    fn xml(instalments: u32, orders: &[(u32, Payee)]) -> String {
        let debtor = Debtor {
            name: "State Treasury".into(),
            account: "999".into(),
            ifsc: "SBIN0000002".into(),
        };
        let part = |part: u32| PaymentPart {
            number: part + 1,
            on: date_of_part(date(2026, 8, 31), part, instalments).expect("a date"),
            transfers: orders
                .iter()
                .map(|(amount, payee)| Transfer {
                    reference: format!("{amount:032x}{part:02}"),
                    amount: share(*amount, part, instalments),
                    payee,
                })
                .filter(|transfer| transfer.amount > 0)
                .collect(),
        };
        let parts: Vec<_> = (0..instalments).map(part).collect();
        let batch = PaymentBatch {
            id: "batch-1",
            scheme: "a-scheme",
            created_on: date(2026, 8, 31),
            debtor: &debtor,
            parts: &parts,
        };
        assert_eq!(batch.to_xml().expect("written"), batch.to_xml().expect("written"));
        String::from_utf8(batch.to_xml().expect("written")).expect("UTF-8")
    }

    #[test]
    fn names_lose_characters_that_xml_does_not_allow() {
        let text = xml(1, &[(7, payee("Hasina\u{fffe} Biswas\u{ffff}\u{1}"))]);
        assert!(text.contains("<Nm>Hasina Biswas</Nm>"), "{text}");
        roxmltree::Document::parse(&text).expect("it is well-formed");
    }

    #[test]
    fn names_are_escaped_and_sums_add_up() {
        let text = xml(1, &[(1_200, payee("A & <B>")), (1_000, payee("রিনা"))]);
        assert!(text.contains("<Nm>A &amp; &lt;B&gt;</Nm>"), "{text}");
        assert!(text.contains("<NbOfTxs>2</NbOfTxs>"));
        assert!(text.contains("<CtrlSum>2200.00</CtrlSum>"));
        assert!(text.contains("<InstdAmt Ccy=\"INR\">1200.00</InstdAmt>"));
    }

    #[test]
    fn instalments_add_up_to_the_amount() {
        let text = xml(2, &[(4_101, payee("A")), (1, payee("B"))]);
        for part in ["2051.00", "2050.00", "2026-08-31", "2027-02-28"] {
            assert!(text.contains(part), "{part} in {text}");
        }
        // Nothing is transferred if nothing is left to pay.
        assert!(text.contains("<NbOfTxs>3</NbOfTxs>"));
        assert!(text.contains("<CtrlSum>4102.00</CtrlSum>"));
    }

    #[test]
    fn debtor_is_one_that_a_bank_takes() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("debtor.json");
        let good = json!({
            "name": "State Treasury, Kolkata", "account": "41100200300", "ifsc": "PRMN0000001"
        });
        let read = |field: &str, value: &str| {
            let mut file = good.clone();
            file[field] = value.into();
            std::fs::write(&path, file.to_string()).expect("written");
            Debtor::read(&path).map_err(|error| error.to_string())
        };
        assert_eq!(read("ifsc", "PRMN0000002").expect("a debtor").account, "41100200300");
        let long = "a".repeat(141);
        for (field, value) in [
            ("name", ""),
            ("name", "  "),
            ("name", "a\u{7}b"),
            ("name", &long),
            ("account", "00000000000"),
            ("account", "4110 0200 300"),
            ("ifsc", "PRMN1000002"),
            ("ifsc", ""),
        ] {
            let fault = read(field, value).expect_err(value);
            assert!(
                fault.contains("debtor.json") && fault.contains(&format!("{field}: ")),
                "{fault}"
            );
        }
        assert!(read("bank", "more").is_err());
    }
}
