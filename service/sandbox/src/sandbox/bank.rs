//! A mock bank: it reads a payment file and answers with a statement.

use std::fmt::Write as _;

use quick_xml::Reader;
use quick_xml::events::Event;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;

/// Why it returns payments.
const CODES: [&str; 3] = ["AC01", "AC04", "AC06"];

/// The bank.
pub(super) struct MockBank {
    random: ChaCha20Rng,
    statements: u32,
}

impl MockBank {
    pub(super) fn new(seed: u64) -> Self {
        Self { random: ChaCha20Rng::seed_from_u64(seed ^ 0xba_4c), statements: 0 }
    }

    /// Answers with a statement of all transfers of a file, of which it returns about one in eight, or none.
    pub(super) fn answer(&mut self, file: &str, all: bool) -> String {
        self.statements += 1;
        let id = format!("statement-{}", self.statements);
        let mut entries = String::new();
        for (reference, amount) in transfers(file) {
            let code = match !all && self.random.gen_bool(1.0 / 8.0) {
                true => Some(CODES[self.random.gen_range(0..CODES.len())]),
                false => None,
            };
            let direction = if code.is_some() { "CRDT" } else { "DBIT" };
            let back = code.map_or(String::new(), |code| {
                format!("<RtrInf><Rsn><Cd>{code}</Cd></Rsn></RtrInf>")
            });
            writeln!(
                entries,
                "<Ntry><Amt Ccy=\"INR\">{amount}</Amt><CdtDbtInd>{direction}</CdtDbtInd>\
                 <Sts><Cd>BOOK</Cd></Sts><BkTxCd><Prtry><Cd>NTRF</Cd></Prtry></BkTxCd><NtryDtls>\
                 <TxDtls><Refs><EndToEndId>{reference}</EndToEndId></Refs>\
                 <Amt Ccy=\"INR\">{amount}</Amt><CdtDbtInd>{direction}</CdtDbtInd>{back}</TxDtls>\
                 </NtryDtls></Ntry>"
            )
            .expect("a string takes it");
        }
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"><BkToCstmrStmt>\
             <GrpHdr><MsgId>{id}</MsgId><CreDtTm>2026-01-01T20:00:00</CreDtTm></GrpHdr>\
             <Stmt><Id>{id}</Id><CreDtTm>2026-01-01T20:00:00</CreDtTm>\
             <Acct><Id><Othr><Id>00000000000</Id></Othr></Id></Acct>\
             <Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy=\"INR\">0.00</Amt>\
             <CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-01-01</Dt></Dt></Bal>\n{entries}</Stmt>\
             </BkToCstmrStmt></Document>\n"
        )
    }
}

/// Returns the references and amounts of a payment file.
fn transfers(file: &str) -> Vec<(String, String)> {
    let mut reader = Reader::from_str(file);
    reader.config_mut().trim_text(true);
    let (mut found, mut open, mut reference) = (Vec::new(), String::new(), String::new());
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Start(element) => open = element.local_name().as_ref().to_owned(),
            Event::Text(text) if open == "EndToEndId" => reference = text.to_string(),
            Event::Text(text) if open == "InstdAmt" => {
                found.push((std::mem::take(&mut reference), text.to_string()));
            }
            Event::End(_) => open.clear(),
            Event::Eof => break,
            _ => {}
        }
    }
    found
}
