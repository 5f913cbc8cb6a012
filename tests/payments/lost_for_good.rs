//! A restored state whose files, or claims that they name, can't be had any more.

use super::*;
use praman::calendar;

#[test]
fn claim_that_is_known_only_after_the_state_pays_again_is_not_paid_twice() {
    let state = State::with_everything(SCHEME, PERIOD);
    let proved: Vec<&str> = HOLDERS
        .into_iter()
        .filter(|holder| state.prove(holder, SCHEME, PERIOD, holder).code == 0)
        .take(3)
        .collect();
    let [one, two, late] = proved[..] else { panic!("three farmers: {proved:?}") };
    for holder in [one, two] {
        assert_eq!(state.claim(holder, SCHEME).code, 0);
    }
    state.json(&["backup", "--out", "before.db"]);
    assert_eq!(state.claim(late, SCHEME).code, 0);
    let paid = state.pay(SCHEME, PERIOD);
    let file = paid["files"][0].as_str().expect("a file").to_owned();

    let mut restored = state.on(None);
    restored.directory = "restored".to_owned();
    restored.json(&["restore", "--from", "before.db"]);
    let ran = restored.run(&arguments("import", &[&file]));
    let told: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!((ran.code, &told["adopted"]), (1, &json!(4)), "{told}");
    let date = calendar::date_of(calendar::today()).expect("a date");
    let days = [date, date.tomorrow().expect("a day")].map(|day| day.to_string());
    let resume = ["treasury", "resume"];
    let resume =
        [&resume[..], &days.each_ref().map(|day| ["--no-statement-of", day]).concat()].concat();
    restored.refused(&resume, 1, "name claims which it does not know");
    // Two treasurers see how much is missing.
    two_treasurers(&restored);
    let resume = [&["--as", "sen.key"][..], &resume, &["--files-are-lost"]].concat();
    let number = restored.json(&resume)["waits"].clone();
    let shown = restored.json(&["--as", "roy.key", "access", "approvals"])["approvals"].clone();
    let asked = shown.as_array().expect("approvals").iter().find(|one| one["number"] == number);
    let document = &asked.expect("it waits")["document"];
    assert_eq!(document["unknown"], 2, "{document}");
    assert_ne!(document["lost_files"], 0, "{document}");
    restored.json(&["--as", "roy.key", "access", "approve", &number.to_string()]);
    assert_eq!(pay_as(&restored, "sen.key")["claims"], 0);

    // The claimant comes with their claim: it was paid by the file.
    assert_eq!(restored.claim(late, SCHEME).code, 0);
    let paid = pay_as(&restored, "sen.key");
    assert_eq!((&paid["claims"], &paid["files"]), (&json!(0), &json!([])), "{paid}");
    let sums = reconcile_as(&restored, "sen.key");
    assert_eq!((&sums["ordered"]["count"], &sums["difference"]), (&json!(6), &json!(0)), "{sums}");
}
