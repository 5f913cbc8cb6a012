//! A wallet in one file. It takes the public state from a service, proves that a scheme's rules hold for its
//! holder, hands the claim in and prints the receipt. The service learns nothing of the holder.
//!
//! ```sh
//! cargo run --release --example claim -- http://127.0.0.1:8080 \
//!   credentials/WB070000003.json payout.json keys krishak-bandhu $(date +%Y)
//! ```
//!
//! The holder's wallet is the file of the same name in the folder `wallets` beside the credential.

#![allow(clippy::print_stdout, reason = "it prints the receipt")]

use std::error::Error;
use std::path::Path;

use praman::claim::{ClaimTerms, CredentialPaths, SubmittedClaim};
use praman::scheme::Scheme;
use praman::snapshot::Snapshot;
use praman::spent::{SpentCount, SpentNullifiers};
use praman::treasury::read_payout;
use praman::wallet::{CredentialFile, Wallet};
use praman_circuits::circuit;
use praman_circuits::policy::TierIndex;
use praman_prover::{KeyStore, MemoryBudget, Prover};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [service, credential, payout, keys, scheme, period] = arguments.as_slice() else {
        return Err("give SERVICE CREDENTIAL PAYOUT KEYS SCHEME PERIOD".into());
    };
    let client = reqwest::Client::new();
    let get = async |path: String| {
        let answer = client.get(format!("{service}{path}")).send().await?;
        answer.error_for_status()?.text().await
    };

    // What is public: the scheme's rules, and the trees that the proof is made against. Everyone takes the same
    // files, so that asking for them tells nothing.
    let scheme = Scheme::parse(&get(format!("/v1/schemes/{scheme}")).await?)?;
    let snapshot = Snapshot::from_json(&get("/v1/snapshot".to_owned()).await?)?;

    // What is the holder's own. It stays here.
    let credential = Path::new(credential);
    let name = credential.file_name().ok_or("the credential is no file")?;
    let wallet = Wallet::read(&credential.with_file_name("wallets").join(name))?;
    let credential = CredentialFile::read(credential)?;

    // The claim, checked natively: what does not hold is said here, by its clause.
    let period = scheme.parse_period(period)?;
    let scheme_period = scheme.in_period(period)?;
    let terms = ClaimTerms {
        context: snapshot.context.ok_or("the service has no ledger yet")?,
        checkpoint: snapshot.checkpoint(),
        scheme: &scheme_period,
        treasury: read_payout(Path::new(payout))?,
    };

    // Was the holder paid for this period already, by this scheme or by one that excludes it? The wallet takes all
    // spent nullifiers that begin like its own, so that nobody learns of a claim that would be refused.
    let nullifier = terms.nullifier(&wallet);
    let count: SpentCount = serde_json::from_str(&get(SpentCount::place(&scheme_period)).await?)?;
    let spent = get(count.list(nullifier)).await?;
    SpentNullifiers::from_json(&spent)?.refuse(nullifier, &scheme_period)?;

    let paths = CredentialPaths::find(&credential, &snapshot)?;
    let tier = TierIndex::new(0).expect("the first tier");
    let prepared = terms.prepare(&credential, &wallet, tier, paths)?;

    // The proof.
    let circuit = circuit::eligibility();
    let engine = KeyStore::new(Path::new(keys)).engine(circuit, MemoryBudget::SMALL)?;
    let proof = Prover::new(circuit, engine).prove(&prepared.witness)?;
    let claim = SubmittedClaim::new(prepared.into_claim(period, 0, proof), snapshot.checkpoint());

    // The receipt. The same claim has the same receipt: send it again whenever you are unsure.
    let request = client.post(format!("{service}/v1/claims?wait=20")).body(claim.to_json());
    let answer = request.send().await?;
    let is_accepted = answer.status().is_success();
    println!("{}", answer.text().await?);
    if is_accepted { Ok(()) } else { Err("the claim was refused".into()) }
}
