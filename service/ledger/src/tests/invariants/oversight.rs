//! Disputes, seals and accreditations in a sequence.

use super::*;

impl Run<'_> {
    /// Takes a step in a claim's dispute, mostly by those who may, or by anyone.
    pub(super) async fn dispute(&mut self, from: Address, place: usize) {
        // Mostly a dispute goes on, or an accepted claim becomes disputed.
        let settled = |place: &usize| matches!(self.model.cases.get(place), Some(Case::Settled(_)));
        let unsettled = (0..POOL).find(|place| {
            let begun = self.model.cases.contains_key(place);
            !settled(place) && begun
        });
        let fresh = (0..POOL).find(|place| self.model.spent.contains(place) && !settled(place));
        let likely = unsettled.or(fresh).filter(|_| self.rng.gen_bool(0.8));
        let place = likely.unwrap_or(place);
        let disputes = self.network.addresses.disputes;
        let nullifier = self.world.claims[place].own[0];
        let case = self.model.cases.get(&place).copied();
        let reason = B256::ZERO;
        let outcome = self.rng.gen_range(0..OUTCOMES);
        let now = self.model.now;
        let likely = [AGENCY, DEPARTMENT, AUDITOR][self.rng.gen_range(0..3)];
        let from = if self.rng.gen_bool(0.6) { likely } else { from };
        let party = [AGENCY, DEPARTMENT, AUDITOR].contains(&from);
        let step = match case {
            None if self.rng.gen_bool(0.8) => 0,
            Some(Case::Frozen(_)) if self.rng.gen_bool(0.5) => 3,
            Some(Case::Decided(..)) if self.rng.gen_bool(0.4) => 4,
            Some(Case::Appealed(..)) if self.rng.gen_bool(0.5) => 5,
            _ => self.rng.gen_range(0..7),
        };
        let next = match step {
            0 | 1 => {
                let expected = party && self.model.spent.contains(&place) && case.is_none();
                let call = Disputes::freezeCall { nullifier, reason };
                self.agree(from, disputes, &call, expected).await;
                expected.then_some(Case::Frozen(now + DECISION_TIME))
            }
            2 => {
                let open = matches!(case, Some(Case::Frozen(_) | Case::Appealed(..)));
                let expected = (party || self.model.may_claim(from)) && open;
                let call = Disputes::addEvidenceCall { nullifier, evidence: reason };
                self.agree(from, disputes, &call, expected).await;
                None
            }
            3 => {
                let from = if self.rng.gen_bool(0.7) { AGENCY } else { from };
                let in_time = matches!(case, Some(Case::Frozen(by)) if now <= by);
                let expected = from == AGENCY && outcome != 0 && in_time;
                let call = Disputes::decideCall { nullifier, outcome, reason };
                self.agree(from, disputes, &call, expected).await;
                expected.then_some(Case::Decided(outcome, now + DISPUTE_APPEAL_TIME))
            }
            4 => {
                let before = match case {
                    Some(Case::Decided(outcome, by)) if now <= by => Some(outcome),
                    _ => None,
                };
                let expected = before.filter(|_| party || self.model.may_claim(from));
                let call = Disputes::appealCall { nullifier, evidence: reason };
                self.agree(from, disputes, &call, expected.is_some()).await;
                expected.map(|outcome| Case::Appealed(outcome, now + DECISION_TIME))
            }
            5 => {
                let call = Disputes::decideAppealCall { nullifier, outcome, reason };
                // Not allowed by hand, not even for a member.
                self.agree(from, disputes, &call, false).await;
                let appealed = matches!(case, Some(Case::Appealed(..)));
                let members = &MEMBERS[..self.rng.gen_range(1..=2)];
                let moved =
                    self.network.committee(members, disputes, call.abi_encode(), reason).await;
                let expected = appealed && outcome != 0 && members.len() == 2;
                // A motion that is not carried, or has no effect, changes nothing.
                assert!(!expected || moved.is_ok(), "{moved:?}");
                expected.then_some(Case::Settled(outcome))
            }
            _ => {
                let settled = match case {
                    Some(Case::Frozen(by)) if now > by => Some(PAY),
                    Some(Case::Decided(outcome, by) | Case::Appealed(outcome, by)) if now > by => {
                        Some(outcome)
                    }
                    _ => None,
                };
                let call = Disputes::settleCall { nullifier };
                self.agree(from, disputes, &call, settled.is_some()).await;
                settled.map(Case::Settled)
            }
        };
        if let Some(case) = next {
            self.counts.settled += u64::from(matches!(case, Case::Settled(_)));
            self.model.cases.insert(place, case);
        }
    }

    /// Proposes or confirms a seal, rightly or not.
    pub(super) async fn seal(&mut self, from: Address) {
        let Addresses { claims, archives, .. } = self.network.addresses;
        if self.rng.gen_bool(0.1) && [Stage::Open, Stage::Suspended].contains(&self.model.stage) {
            let close = Claims::closeOpeningCall { opening: 0, reason: B256::ZERO };
            self.agree(AGENCY, claims, &close, true).await;
            self.model.stage = Stage::Closed;
        }
        let closed = self.model.stage == Stage::Closed;
        let (count, root) = (self.model.spent.len() as u64, B256::ZERO);
        if self.rng.gen_bool(0.5) {
            let from = if self.rng.gen_bool(0.7) { AGENCY } else { from };
            let expected = from == AGENCY && closed;
            let call = Archives::proposeSealCall { opening: 0, count, root };
            self.agree(from, archives, &call, expected).await;
            if expected {
                self.model.proposed = Some(count);
            }
        } else {
            let from = if self.rng.gen_bool(0.7) { AUDITOR } else { from };
            let count = count + u64::from(self.rng.gen_bool(0.2));
            let expected = from == AUDITOR && closed && self.model.proposed == Some(count);
            let call = Archives::confirmSealCall { opening: 0, count, root };
            self.agree(from, archives, &call, expected).await;
            if expected {
                self.model.stage = Stage::Sealed;
                self.counts.sealed += 1;
            }
        }
    }

    /// Accredits the second office, allowed only by its department and in a free place.
    pub(super) async fn accredit(&mut self, from: Address) {
        let from = if self.rng.gen_bool(0.5) { DEPARTMENT } else { from };
        let office = self.rng.gen_range(0..3);
        let participant =
            if self.rng.gen_bool(0.8) { self.world.second_office } else { self.world.relayers[0] };
        let expected = from == DEPARTMENT
            && participant == self.world.second_office
            && !self.model.places.contains(&office)
            && !self.model.second_placed;
        let call = Offices::accreditCall { office, schema: 1, participant };
        self.agree(from, self.network.addresses.offices, &call, expected).await;
        if expected {
            self.model.places.insert(office);
            self.model.second_placed = true;
        }
    }
}
