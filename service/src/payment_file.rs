//! The bank's file: ISO 20022 `pain.001.001.09`, customer credit transfer initiation.

use std::io::Cursor;

use jiff::ToSpan;
use jiff::civil::Date;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use crate::envelope::Payout;
use crate::error::ServiceError;

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
    /// The treasury of the demonstration; no such account exists.
    pub fn demonstration() -> Self {
        Self {
            name: "State Treasury (demonstration)".to_owned(),
            account: "00000000000".to_owned(),
            ifsc: "PRMN0000000".to_owned(),
        }
    }
}

/// One payment.
pub struct PaymentOrder {
    /// By what the bank reports back: at most 35 characters, not traceable to a person.
    pub reference: String,
    /// Whom to pay how much.
    pub payout: Payout,
}

/// The payments of one file.
pub struct PaymentBatch<'a> {
    /// The message's id, at most 33 characters.
    pub id: &'a str,
    /// The scheme.
    pub scheme: &'a str,
    /// The day of the file and of the first instalment.
    pub created_on: Date,
    /// In how many parts an amount is paid, a year's parts apart.
    pub instalments: u32,
    /// Who pays.
    pub debtor: &'a Debtor,
    /// The payments.
    pub orders: &'a [PaymentOrder],
}

const NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09";

type Xml = Writer<Cursor<Vec<u8>>>;
type Written = std::io::Result<()>;

impl PaymentBatch<'_> {
    /// The file. The same batch gives the same bytes.
    ///
    /// # Errors
    /// [`ServiceError::Refused`] if a date leaves the calendar.
    pub fn to_xml(&self) -> Result<Vec<u8>, ServiceError> {
        let parts: Vec<(Date, Vec<(&PaymentOrder, u32)>)> = (0..self.instalments)
            .map(|part| Ok((self.date_of(part)?, self.amounts_of(part))))
            .collect::<Result<_, ServiceError>>()?;
        let mut xml = Writer::new_with_indent(Cursor::new(Vec::new()), b' ', 1);
        self.write(&mut xml, &parts)
            .map_err(|error| ServiceError::Refused(format!("the bank's file: {error}")))?;
        let mut bytes = xml.into_inner().into_inner();
        bytes.push(b'\n');
        Ok(bytes)
    }

    fn date_of(&self, part: u32) -> Result<Date, ServiceError> {
        let months = i64::from(part) * 12 / i64::from(self.instalments);
        self.created_on
            .checked_add(months.months())
            .map_err(|error| ServiceError::Refused(format!("an instalment's date: {error}")))
    }

    /// What each order is paid in a part; the first part takes what does not divide.
    fn amounts_of(&self, part: u32) -> Vec<(&PaymentOrder, u32)> {
        let share = |amount: u32| {
            amount / self.instalments + if part == 0 { amount % self.instalments } else { 0 }
        };
        let amounts = self.orders.iter().map(|order| (order, share(order.payout.amount)));
        amounts.filter(|&(_, amount)| amount > 0).collect()
    }

    fn write(&self, xml: &mut Xml, parts: &[(Date, Vec<(&PaymentOrder, u32)>)]) -> Written {
        xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        xml.create_element("Document").with_attribute(("xmlns", NAMESPACE)).write_inner_content(
            |xml| {
                element(xml, "CstmrCdtTrfInitn", |xml| {
                    self.header(xml, parts)?;
                    let parts =
                        parts.iter().enumerate().filter(|(_, (_, orders))| !orders.is_empty());
                    for (number, (date, orders)) in parts {
                        self.payment(xml, number + 1, *date, orders)?;
                    }
                    Ok(())
                })
            },
        )?;
        Ok(())
    }

    fn header(&self, xml: &mut Xml, parts: &[(Date, Vec<(&PaymentOrder, u32)>)]) -> Written {
        let orders = || parts.iter().flat_map(|(_, orders)| orders);
        element(xml, "GrpHdr", |xml| {
            text(xml, "MsgId", self.id)?;
            text(xml, "CreDtTm", &format!("{}T00:00:00", self.created_on))?;
            text(xml, "NbOfTxs", &orders().count().to_string())?;
            text(xml, "CtrlSum", &format!("{}.00", sum(orders())))?;
            element(xml, "InitgPty", |xml| text(xml, "Nm", &cut(&self.debtor.name, 140)))
        })
    }

    fn payment(
        &self,
        xml: &mut Xml,
        number: usize,
        date: Date,
        orders: &[(&PaymentOrder, u32)],
    ) -> Written {
        element(xml, "PmtInf", |xml| {
            text(xml, "PmtInfId", &format!("{}-{number}", self.id))?;
            text(xml, "PmtMtd", "TRF")?;
            text(xml, "NbOfTxs", &orders.len().to_string())?;
            text(xml, "CtrlSum", &format!("{}.00", sum(orders.iter())))?;
            element(xml, "ReqdExctnDt", |xml| text(xml, "Dt", &date.to_string()))?;
            element(xml, "Dbtr", |xml| text(xml, "Nm", &cut(&self.debtor.name, 140)))?;
            account(xml, "DbtrAcct", &self.debtor.account)?;
            branch(xml, "DbtrAgt", &self.debtor.ifsc)?;
            for (order, amount) in orders {
                self.transfer(xml, number, order, *amount)?;
            }
            Ok(())
        })
    }

    fn transfer(&self, xml: &mut Xml, number: usize, order: &PaymentOrder, amount: u32) -> Written {
        let payee = &order.payout.payee;
        element(xml, "CdtTrfTxInf", |xml| {
            let reference = format!("{}{number:02}", order.reference);
            element(xml, "PmtId", |xml| text(xml, "EndToEndId", &reference))?;
            element(xml, "Amt", |xml| {
                xml.create_element("InstdAmt")
                    .with_attribute(("Ccy", "INR"))
                    .write_text_content(BytesText::new(&format!("{amount}.00")))?;
                Ok(())
            })?;
            branch(xml, "CdtrAgt", &payee.ifsc)?;
            element(xml, "Cdtr", |xml| text(xml, "Nm", &cut(&payee.name, 140)))?;
            account(xml, "CdtrAcct", &payee.account)?;
            element(xml, "RmtInf", |xml| text(xml, "Ustrd", self.scheme))
        })
    }
}

fn sum<'a>(orders: impl Iterator<Item = &'a (&'a PaymentOrder, u32)>) -> u64 {
    orders.map(|&(_, amount)| u64::from(amount)).sum()
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

/// A branch by the Indian financial system code.
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

fn cut(text: &str, characters: usize) -> String {
    text.chars().filter(|character| !character.is_control()).take(characters).collect()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use praman_circuits::Fr;
    use praman_circuits::payee::{Payee, PayeeSalt};
    use praman_circuits::payout::PayoutBlinding;

    use super::*;

    fn order(amount: u32, name: &str) -> PaymentOrder {
        let payee = Payee { account: "0123".into(), ifsc: "SBIN0000001".into(), name: name.into() };
        let salt = PayeeSalt::from_field(Fr::from(1u64));
        let blinding = PayoutBlinding::from_field(Fr::from(2u64));
        let payout = Payout::new(amount, payee, &salt, &blinding);
        PaymentOrder { reference: format!("{amount:032x}"), payout }
    }

    fn xml(instalments: u32, orders: &[PaymentOrder]) -> String {
        let debtor = Debtor {
            name: "State Treasury".into(),
            account: "999".into(),
            ifsc: "SBIN0000002".into(),
        };
        let batch = PaymentBatch {
            id: "batch-1",
            scheme: "a-scheme",
            created_on: date(2026, 8, 31),
            instalments,
            debtor: &debtor,
            orders,
        };
        assert_eq!(batch.to_xml().expect("written"), batch.to_xml().expect("written"));
        String::from_utf8(batch.to_xml().expect("written")).expect("UTF-8")
    }

    #[test]
    fn names_are_escaped_and_sums_add_up() {
        let text = xml(1, &[order(1_200, "A & <B>"), order(1_000, "রিনা")]);
        assert!(text.contains("<Nm>A &amp; &lt;B&gt;</Nm>"), "{text}");
        assert!(text.contains("<NbOfTxs>2</NbOfTxs>"));
        assert!(text.contains("<CtrlSum>2200.00</CtrlSum>"));
        assert!(text.contains("<InstdAmt Ccy=\"INR\">1200.00</InstdAmt>"));
    }

    #[test]
    fn instalments_add_up_to_the_amount() {
        let text = xml(2, &[order(4_101, "A"), order(1, "B")]);
        for part in ["2051.00", "2050.00", "2026-08-31", "2027-02-28"] {
            assert!(text.contains(part), "{part} in {text}");
        }
        // Nothing is transferred where nothing is left to pay.
        assert!(text.contains("<NbOfTxs>3</NbOfTxs>"));
        assert!(text.contains("<CtrlSum>4102.00</CtrlSum>"));
    }
}
