//! What clients say of a transaction, each in its own words. Sources: the clients' own lists of errors; Chainlink's
//! list of what it has met at each (`core/chains/evm/client/errors.go`).

use super::*;

/// Besu, go-ethereum, Nethermind (before 1.30 and since), Erigon, OpenEthereum, Hardhat, anvil: they have it.
const KNOWN: [(i64, &str); 8] = [
    (-32_000, "Known transaction"),
    (-32_000, "already known"),
    (-32_010, "AlreadyKnown"),
    (-32_000, "ALREADY_EXISTS: already known"),
    (-32_000, "block already known"),
    (-32_010, "Transaction with the same hash was already imported."),
    (
        -32_000,
        "Known transaction: 0x5c504ed432cb51138bcf09aa5e8a410dd4a1e204ef84bfed1be16dfba1b22060",
    ),
    (-32_003, "transaction already imported"),
];

/// The nonce is used.
const USED: [(i64, &str); 6] = [
    (-32_001, "Nonce too low"),
    (-32_000, "nonce too low: next nonce 6, tx nonce 5"),
    (-32_010, "OldNonce, Current nonce: 6, nonce of rejected tx: 5"),
    (-32_000, "INTERNAL_ERROR: nonce too low"),
    (-32_010, "Transaction nonce is too low. Try incrementing the nonce."),
    (-32_000, "Nonce too low. Expected nonce to be 6 but got 5."),
];

/// More has to be paid, or there is no room now.
const LATER: [(i64, &str); 11] = [
    (-32_009, "Gas price below configured minimum gas price"),
    (-32_000, "Replacement transaction underpriced"),
    (-32_000, "transaction underpriced: gas tip cap 1, minimum needed 25000000000"),
    (
        -32_010,
        "FeeTooLow, MaxFeePerGas too low. MaxFeePerGas: 0, BaseFee: 7, MaxPriorityFeePerGas:0",
    ),
    (-32_010, "FeeTooLowToCompete"),
    (-32_010, "ReplacementNotAllowed"),
    (-32_010, "NonceGap, Future nonce. Expected nonce: 4"),
    (
        -32_010,
        "Transaction gas price is too low. It does not satisfy your node's minimal gas price",
    ),
    (
        -32_010,
        "There are too many transactions in the queue. Your transaction was dropped due to limit.",
    ),
    (-32_000, "txpool is full"),
    (
        -32_000,
        "max fee per gas less than block base fee: address 0x01, maxFeePerGas: 0, baseFee: 7",
    ),
];

/// The account can't pay.
const POOR: [(i64, &str); 6] = [
    (-32_004, "Upfront cost exceeds account balance"),
    (
        -32_000,
        "insufficient funds for gas * price + value: balance 0, tx cost 21000, overshot 21000",
    ),
    (-32_010, "InsufficientFunds, Account balance: 0, cumulative cost: 21000"),
    (
        -32_010,
        "Insufficient funds. The account you tried to send transaction from does not have enough funds.",
    ),
    (-32_000, "Sender doesn't have enough funds to send tx. The max upfront cost is: 1"),
    (-32_003, "Insufficient funds for gas * price + value"),
];

/// A transaction of the account, signed for its nonce 5.
fn transaction(chain: &RemoteChain) -> Sent {
    let mut sent = Sent {
        account: account().address(),
        nonce: 5,
        target: Some(Address::ZERO),
        data: Bytes::new(),
        gas: 21_000,
        fee: 0,
        raw: Bytes::new(),
        hashes: Vec::new(),
    };
    chain.sign(&mut sent, Fee { price: 0, tip: None }).expect("signed");
    sent
}

#[tokio::test]
async fn clients_words_for_a_transaction_are_understood_by_its_state() {
    let takes =
        |says, nonce| Node { says: Some(says), nonce: AtomicU64::new(nonce), ..Node::default() };
    let nodes = KNOWN.iter().map(|&says| takes(says, 5));
    let nodes = nodes.chain(USED.iter().map(|&says| Node { takes: false, ..takes(says, 6) }));
    for node in nodes {
        let says = node.says;
        let (_folder, chain) = chain_of(vec![Arc::new(node)]).await;
        let answer = chain.broadcast(&transaction(&chain)).await;
        assert!(matches!(answer, Ok(None)), "{says:?}: {answer:?}");
    }
    for says in LATER {
        let node = Node { takes: false, ..takes(says, 5) };
        let (_folder, chain) = chain_of(vec![Arc::new(node)]).await;
        let answer = chain.broadcast(&transaction(&chain)).await.expect(says.1);
        assert!(answer.is_some(), "{says:?}");
    }
    for says in POOR {
        let node = Node { takes: false, ..takes(says, 5) };
        let (_folder, chain) = chain_of(vec![Arc::new(node)]).await;
        let refused = chain.broadcast(&transaction(&chain)).await.expect_err(says.1).to_string();
        assert!(refused.contains("funds") || refused.contains("balance"), "{refused}");
    }
}

/// Blocks of a network may take nothing while its nodes have a least price: the price is asked for, and paid.
#[tokio::test]
async fn refused_transaction_is_sent_again_for_the_price_that_the_node_asks() {
    let node = Arc::new(Node {
        says: Some(LATER[0]),
        takes: false,
        least_price: 1_000,
        ..Node::default()
    });
    let (_folder, mut chain) = chain_of(vec![node.clone()]).await;
    chain.settings.patience = Duration::from_millis(900);
    let target = Some(Address::repeat_byte(7));
    let refused = chain.send(account().address(), target, vec![1]).await.expect_err("never mined");
    // At last the node's own words are there.
    assert!(refused.to_string().contains("below configured minimum"), "{refused}");
    let sent = node.sent.lock().expect("nobody panics").clone();
    let prices: Vec<u64> = sent.iter().map(|raw| Fee::of(raw).expect("a fee").price).collect();
    assert_eq!((prices[0], prices[1]), (0, 1_000), "{prices:?}");
    assert!(prices.windows(2).skip(1).all(|two| two[1] * 10 >= two[0] * 11), "{prices:?}");
    assert_eq!(chain.next_nonce(account().address()).await.expect("kept"), 6, "one nonce");
}

#[test]
fn refusal_of_a_contract_is_found_wherever_a_client_puts_it() {
    let expected: Bytes = "0x08c379a0".parse().expect("bytes");
    for data in [
        json!("0x08c379a0"),
        json!("Reverted 0x08c379a0"),
        json!({ "message": "reverted", "txHash": B256::ZERO, "data": "0x08c379a0" }),
        json!({ "0x1f": { "error": "revert", "program_counter": 7, "return": "0x08c379a0" } }),
    ] {
        assert_eq!(answers::revert(&data).as_ref(), Some(&expected), "{data}");
    }
    assert_eq!(answers::revert(&json!("bad instruction")), None);
}

/// What one node refuses in its own words, another takes.
#[tokio::test]
async fn transaction_that_one_node_refuses_is_sent_by_the_next() {
    let refuses = Node { says: Some(LATER[9]), takes: false, ..Node::default() };
    let takes = Arc::new(Node::default());
    let (_folder, chain) = chain_of(vec![Arc::new(refuses), takes.clone()]).await;
    let answer = chain.broadcast(&transaction(&chain)).await;
    assert!(matches!(answer, Ok(None)), "{answer:?}");
    assert_eq!(takes.sent.lock().expect("nobody panics").len(), 1);
}

/// A contract refuses a second claim; of anything else nothing shows whether the other transaction did it.
#[tokio::test]
async fn transaction_whose_number_another_used_is_not_sent_again_unasked() {
    let node = Arc::new(Node { says: Some(USED[0]), takes: false, ..Node::default() });
    let (_folder, mut chain) = chain_of(vec![node.clone()]).await;
    let (sender, target) = (account().address(), Some(Address::repeat_byte(7)));
    chain.settings.patience = Duration::from_millis(300);
    chain.send(sender, target, vec![1]).await.expect_err("never mined");
    node.nonce.store(6, Ordering::Relaxed);
    chain.settings.patience = Duration::from_secs(30);
    let refused = chain.send(sender, target, vec![1]).await.expect_err("lost").to_string();
    assert!(refused.contains("another transaction has used number 5"), "{refused}");
    let sent = node.sent.lock().expect("nobody panics").clone();
    assert!(sent.iter().all(|raw| *raw == sent[0]), "under no other number");
}

/// A node that says that the transaction is mined and has no receipt is waited for.
#[tokio::test]
async fn mined_transaction_without_a_receipt_is_not_lost() {
    let node = Arc::new(Node { mined: true, ..Node::default() });
    let (_folder, mut chain) = chain_of(vec![node.clone()]).await;
    chain.settings.patience = Duration::from_millis(900);
    let (sender, target) = (account().address(), Some(Address::repeat_byte(7)));
    chain.send(sender, target, vec![1]).await.expect_err("no receipt");
    node.nonce.store(6, Ordering::Relaxed);
    let waits = chain.send(sender, target, vec![1]).await.expect_err("no receipt").to_string();
    assert!(waits.contains("is not final yet"), "{waits}");
}

/// While no block is made, nothing is paid for more.
#[tokio::test]
async fn fee_does_not_rise_while_no_block_is_made() {
    let node = Arc::new(Node { base_fee: 7, ..Node::default() });
    let (_folder, mut chain) = chain_of(vec![node.clone()]).await;
    chain.settings.patience = Duration::from_millis(2_500);
    let target = Some(Address::repeat_byte(7));
    chain.send(account().address(), target, vec![1]).await.expect_err("never mined");
    let sent = node.sent.lock().expect("nobody panics").clone();
    assert!(sent.len() > 2 && sent.iter().all(|raw| *raw == sent[0]), "{sent:?}");
}

/// A node that is behind counts fewer than have arrived, and a reorganisation may leave a gap.
#[tokio::test]
async fn next_number_is_the_first_that_no_transaction_has() {
    let (_folder, chain) = chain_of(vec![Arc::new(Node::default())]).await;
    let sender = account().address();
    for (nonce, name) in [(5, 1), (6, 2), (8, 3)] {
        let mut sent = transaction(&chain);
        sent.nonce = nonce;
        let brings = B256::repeat_byte(name);
        assert!(outbox::keep(&chain.store, brings, &sent).await.expect("kept"));
        outbox::arrived(&chain.store, &sent, nonce).await.expect("kept");
        outbox::keep_done(&chain.store, brings, &sent).await.expect("kept");
        assert!(
            outbox::find(&chain.store, brings).await.expect("read").is_none(),
            "may be sent again"
        );
    }
    for (on_chain, expected) in [(4, 4), (5, 7), (6, 7), (7, 7), (8, 9), (9, 9)] {
        let next = outbox::next_nonce(&chain.store, sender, on_chain).await.expect("a number");
        assert_eq!(next, expected, "on chain {on_chain}");
    }
}

/// What the account can't pay is not kept, though the form before is still there.
#[tokio::test]
async fn raise_that_the_account_cannot_pay_leaves_the_form_before() {
    let node = Arc::new(Node { base_fee: 7, grows: true, is_poor: true, ..Node::default() });
    let (_folder, mut chain) = chain_of(vec![node.clone()]).await;
    chain.settings.patience = Duration::from_millis(900);
    let (sender, target) = (account().address(), Some(Address::repeat_byte(7)));
    chain.send(sender, target, vec![1]).await.expect_err("never mined");
    let sent = node.sent.lock().expect("nobody panics").clone();
    assert!(sent.iter().any(|raw| *raw != sent[0]), "a raise was tried");
    let kept = outbox::pending(&chain.store, sender).await.expect("read");
    assert_eq!((kept.len(), &kept[0].raw), (1, &sent[0]));
}
