//! The network that each sequence starts with.

use super::*;

/// A network with everyone in place, one period open, claims proved.
pub(super) struct World {
    pub(super) network: Network<MemoryChain>,
    pub(super) relayers: [u32; 2],
    pub(super) second_office: u32,
    pub(super) claims: Vec<Claims::claimCall>,
    pub(super) model: Model,
}

impl World {
    /// Deploys, accredits, opens, and proves some claims.
    pub(super) async fn open() -> Self {
        let key = key(3);
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let now = 1_788_000_000;
        let constitution = Constitution {
            members: MEMBERS.to_vec(),
            quorum: 2,
            delay_seconds: 0,
            grace_seconds: DAY,
        };
        let mut network =
            Network::deploy(MemoryChain::at(now), key.verifying_key(), &constitution, OUTSIDER)
                .await
                .expect("deployed");
        let participants = network.addresses.participants;
        let mut ids = Vec::new();
        for (account, role, sponsor) in [
            (AGENCY, Role::Agency, None),
            (DEPARTMENT, Role::Department, None),
            (AUDITOR, Role::Auditor, None),
            (OFFICE, Role::Office, Some(1)),
            (RELAYERS[0], Role::Relayer, Some(0)),
            (RELAYERS[1], Role::Relayer, Some(0)),
            (SECOND_OFFICE, Role::Office, Some(1)),
        ] {
            let by = sponsor.map_or(0, |place: usize| ids[place]);
            let id = network.request(account, role, by, B256::ZERO).await.expect("in");
            let call = Participants::approveCall { id, document: B256::ZERO, reason: B256::ZERO };
            match sponsor {
                None => {
                    let call = call.abi_encode();
                    network
                        .committee(&MEMBERS, participants, call, B256::ZERO)
                        .await
                        .expect("carried");
                }
                Some(0) => {
                    network.send(AGENCY, participants, &call).await.expect("approved");
                }
                Some(_) => {
                    network.send(DEPARTMENT, participants, &call).await.expect("approved");
                }
            }
            network.take_up(account, id).await.expect("live");
            ids.push(id);
        }
        let office = Offices::accreditCall { office: 0, schema: 1, participant: ids[3] };
        let registry = network.addresses.offices;
        network.send(DEPARTMENT, registry, &office).await.expect("accredited");
        let as_of = fixture::claim(1).checkpoint.as_of;
        let checkpoint = Offices::checkpointCall { asOf: as_of.0 };
        network.send(AGENCY, registry, &checkpoint).await.expect("published");
        let scheme = fixture::claim(1).scheme_period;
        let leaf = rules_leaf(EDITION, &scheme, scheme.period, LAST_DAY);
        let claims = network.addresses.claims;
        let adopt = Claims::adoptRulesCall {
            scheme: scheme_word(&scheme.scheme),
            department: ids[1],
            root: leaf,
        };
        network.committee(&MEMBERS, claims, adopt.abi_encode(), leaf).await.expect("adopted");
        let open = Claims::openPeriodCall {
            terms: rules_terms(&scheme, scheme.period),
            policy: policy_data(&scheme.policy),
            lastDay: LAST_DAY.0,
            approval: Vec::new(),
        };
        network.send(DEPARTMENT, claims, &open).await.expect("opened");
        let root = network.view(registry, &Offices::stateRootCall {}).await.expect("a root");
        let root = praman_circuits::field::from_be_bytes(&root.to_be_bytes()).expect("an element");
        let mut fixture = fixture::claim(1);
        fixture.checkpoint.state_root = praman_circuits::office::StateRoot::from_field(root);
        let context = praman_circuits::context::context(
            network.chain.chain_id(),
            network.addresses.claims.into_array(),
        );
        let pool = (0..POOL as u64).map(|number| {
            let public = fixture.public_of(context, number);
            let proof = key.prove(&public.to_fields(), &mut rng);
            Claims::claimCall {
                opening: 0,
                checkpoint: 0,
                own: [
                    word(public.nullifier.to_field()),
                    word(public.payout.to_field()),
                    word(public.envelope.to_field()),
                ],
                proof: proof_words(&proof),
            }
        });
        let claims = pool.collect();
        let model = Model {
            now,
            paused: false,
            stage: Stage::Open,
            relayers: Default::default(),
            spent: HashSet::new(),
            cases: HashMap::new(),
            proposed: None,
            places: HashSet::from([0]),
            second_placed: false,
        };
        World { network, relayers: [ids[4], ids[5]], second_office: ids[6], claims, model }
    }
}
