//! A period's sum, proved over its claims' commitments as the treasury does, and checked as anyone does.

use std::collections::BTreeMap;
use std::time::Instant;

use alloy_primitives::{Address, U256};
use anyhow::Context as _;
use praman::ledger::settlement::{
    OpeningClaim, OpeningClaims, SettledChunk, StateLocked, SumOpened, verify,
};
use praman::ledger::{Chain as _, EmbeddedLedger, text_hash};
use praman::store::Store;
use praman::treasury::CHUNKS_TOGETHER;
use praman_circuits::circuit;
use praman_circuits::settlement::{
    CLAIMS, Carried, PrivateInputs, PublicInputs, SettledClaim, chunk_inputs, settlement_context,
};
use praman_circuits::settlement_state::SettlementBlinding;
use praman_prover::{Arithmetic, FixedKeyEngine, MemoryBudget, Prover, ProvingPool, setup};
use praman_testkit::fixture;
use praman_verifier::contracts::{Claims, Settlements, batch_words, proof_words, word};
use praman_verifier::{PreparedKey, Proof};
use rand::rngs::OsRng;
use serde_json::{Value, json};

use crate::{GasScene, rounded};

/// The opening that is settled.
const OPENING: u32 = 0;

/// Chunks with their proofs.
struct Settled {
    public: Vec<PublicInputs>,
    proofs: Vec<Proof>,
    counted: Vec<U256>,
    last: Carried,
    blinding: SettlementBlinding,
}

/// Proves the sum of so many claims, checks it, and brings it to a ledger.
pub(crate) fn sums_bench(count: u64, budget_mib: usize) -> anyhow::Result<Value> {
    let keys = setup(circuit::settlement(), &mut OsRng)?;
    let started = Instant::now();
    let budget = MemoryBudget(budget_mib << 20);
    let engine = FixedKeyEngine::new(circuit::settlement(), &keys, budget, Arithmetic::Fastest);
    let prover = Prover::new(circuit::settlement(), engine);
    let tables_seconds = started.elapsed().as_secs_f64();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let pool = ProvingPool::new(cores)?;

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let folder = tempfile::tempdir()?;
    let store = runtime.block_on(Store::open(folder.path()))?;
    let mut ledger = runtime.block_on(GasScene::open(&store, 0)).ledger;
    let (chain_id, contract) = (ledger.network.chain.chain_id(), ledger.network.addresses.claims);
    let claims = fixture::settled_claims(count);

    let started = Instant::now();
    let settled = prove((&pool, &prover), (chain_id, contract), &claims)?;
    let prove_seconds = started.elapsed().as_secs_f64();

    let read = as_read((chain_id, contract), &claims, &settled);
    let key = PreparedKey::new(prover.verifying_key());
    let started = Instant::now();
    let sums = verify(&key, &read)?;
    let check_seconds = started.elapsed().as_secs_f64();

    let gas = runtime.block_on(bring(&mut ledger, &prover, &settled))?;
    Ok(json!({
        "claims": count,
        "chunks": settled.proofs.len(),
        "counted": sums.counted,
        "threads": pool.threads(),
        "tables_seconds": rounded(tables_seconds),
        "prove_seconds": rounded(prove_seconds),
        "check_seconds": rounded(check_seconds),
        "gas_per_claim": gas / count,
        "peak_mib": bench::peak_mib(),
    }))
}

/// Makes the chunks of the claims, with their witnesses and proofs.
fn prove(
    (pool, prover): (&ProvingPool, &Prover<FixedKeyEngine>),
    (chain_id, contract): (u64, Address),
    claims: &[SettledClaim],
) -> anyhow::Result<Settled> {
    let context = settlement_context(chain_id, contract.into_array(), OPENING);
    let (mut last, mut blinding) = (Carried::start(), SettlementBlinding::from_field(0.into()));
    let (mut public, mut private, mut counted) = (Vec::new(), Vec::new(), Vec::new());
    for (number, of_chunk) in (1u64..).zip(claims.chunks(CLAIMS)) {
        let drawn = || SettlementBlinding::from_field(number.into());
        let (anyone, own, after) = chunk_inputs(context, &last, of_chunk, drawn());
        let bits = of_chunk.iter().enumerate().filter(|(_, claim)| claim.opened.is_some());
        counted.push(bits.fold(U256::ZERO, |word, (place, _)| word | (U256::from(1) << place)));
        public.push(anyone);
        private.push(own);
        (last, blinding) = (after, drawn());
    }
    // As `praman treasury settle` does it: a chunk on each core.
    let chunks: Vec<_> = public.iter().zip(&private).collect();
    let witness = |&(public, private): &(&PublicInputs, &PrivateInputs)| {
        circuit::settlement_witness(&public.to_fields(), private)
    };
    let proofs = pool.prove_made(prover, &chunks, witness);
    let proofs = proofs.into_iter().collect::<Result<_, _>>()?;
    Ok(Settled { public, proofs, counted, last, blinding })
}

/// What the ledger says of the opening, as anyone reads it.
fn as_read(
    (chain_id, claims_contract): (u64, Address),
    claims: &[SettledClaim],
    settled: &Settled,
) -> OpeningClaims {
    let digest = word(settled.last.digest.to_field());
    let claim = |(number, claim): (u64, &SettledClaim)| OpeningClaim {
        nullifier: U256::from(number),
        payout: word(claim.payout.to_field()),
    };
    let chunk = |((public, proof), counted): ((&PublicInputs, &Proof), &U256)| SettledChunk {
        own: public.own().map(word),
        proof: proof_words(proof),
        counted: *counted,
    };
    OpeningClaims {
        opening: OPENING,
        chain_id,
        claims_contract,
        block: 3,
        is_over: true,
        claims: (1..).zip(claims).map(claim).collect(),
        cases: BTreeMap::new(),
        freezes: 0,
        chunks: settled
            .public
            .iter()
            .zip(&settled.proofs)
            .zip(&settled.counted)
            .map(chunk)
            .collect(),
        locked: Some(StateLocked {
            state: word(settled.last.state().to_field()),
            digest,
            treasury: 1,
            block: 2,
            cases: BTreeMap::new(),
        }),
        opened: Some(SumOpened {
            rupees: settled.last.total.rupees,
            counted: settled.last.total.claims,
            digest,
            blinding: word(settled.blinding.expose()),
            block: 3,
            cases: BTreeMap::new(),
        }),
    }
}

/// Brings the chunks to a contract of settlements, and opens the sum; the gas of all of it.
async fn bring(
    ledger: &mut EmbeddedLedger,
    prover: &Prover<FixedKeyEngine>,
    settled: &Settled,
) -> anyhow::Result<u64> {
    let treasury = ledger.actors.department.context("an embedded ledger has one operator")?;
    let network = &mut ledger.network;
    let close = Claims::closeOpeningCall { opening: OPENING, reason: text_hash("over") };
    network.send(treasury, network.addresses.claims, &close).await?;
    network.create_settlements(treasury, prover.verifying_key()).await?;
    let chunks = settled.public.iter().zip(&settled.proofs);
    let chunks: Vec<_> =
        chunks.map(|(public, proof)| batch_words(public.own().map(word), proof)).collect();
    let mut gas = 0;
    for (chunks, counted) in
        chunks.chunks(CHUNKS_TOGETHER).zip(settled.counted.chunks(CHUNKS_TOGETHER))
    {
        let together = (chunks.to_vec(), counted.to_vec());
        gas += network.prove_settlement(treasury, OPENING, together).await?.gas_used;
    }
    let state = word(settled.last.state().to_field());
    let lock = Settlements::lockCall { opening: OPENING, state, freezes: 0 };
    gas += network.lock_settlement(treasury, &lock).await?.gas_used;
    let total = settled.last.total;
    let open = Settlements::openCall {
        opening: OPENING,
        rupees: total.rupees,
        counted: total.claims,
        filed: total.rupees,
        blinding: word(settled.blinding.expose()),
    };
    gas += network.open_settlement(treasury, &open).await?.gas_used;
    Ok(gas)
}
