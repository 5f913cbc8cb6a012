//! The department's desk in a browser: every page in every language, by axe-core and by keyboard; sessions,
//! forms and frames under attack; and the grievance desk through its doors.

use std::fs;
use std::process::Command;

use running::{Answer, Service};
use serde_json::{Value, json};
use support::{State, root};

use crate::support;
use crate::support::service as running;

/// A ledger, an office that is a tenant's, credentials, and everybody's keys.
fn scene() -> State {
    let state = State::with_everything("krishak-bandhu", support::year());
    let tenant = ["access", "tenant", "tests", "--title", "Tests", "--office", "0"];
    state.json(&[&tenant[..], &["--scheme", "krishak-bandhu"]].concat());
    state.shown("office", &["--member", "0"]);
    for role in ["department", "treasury", "auditor", "kiosk", "agency", "oversight"] {
        state.shown(role, &[]);
    }
    state
}

fn key(state: &State, role: &str) -> String {
    fs::read_to_string(state.path(&format!("{role}.key"))).expect("a key").trim().to_owned()
}

/// Comes in as a browser does; the session's cookie.
fn enter(service: &Service, key: &str, more: &[&str]) -> Answer {
    let field = format!("key={key}");
    service.curl("/desk/enter", &[&["--data-urlencode", &field], more].concat())
}

fn cookie(answer: &Answer) -> String {
    let set = answer.headers.lines().find_map(|line| line.strip_prefix("set-cookie: praman="));
    let value = set.expect("a session").split(';').next().expect("a value");
    format!("Cookie: praman={value}")
}

/// The token that the forms of a page bring.
fn token(page: &Answer) -> String {
    let (_, rest) = page.body.split_once("name=\"token\" value=\"").expect("a form");
    rest.split('"').next().expect("a value").to_owned()
}

/// Rows of the sample under other numbers, so that a register with faults and duplicates is issued.
fn write_new_register(state: &State) {
    let sample = fs::read(support::register()).expect("the sample");
    let mut lines = sample.split_inclusive(|&byte| byte == b'\n');
    let mut register = lines.next().expect("a header").to_vec();
    for line in lines.take(400) {
        register.extend_from_slice(b"NX");
        register.extend_from_slice(line);
    }
    fs::write(state.path("new.csv"), register).expect("written");
}

#[test]
fn every_page_is_whole_in_every_language_by_axe_and_by_keyboard() {
    let state = scene();
    let service = Service::start(&state, &["--office", "office.json"]);
    write_new_register(&state);
    let roles = ["office", "oversight"].map(|role| (role.to_owned(), json!(key(&state, role))));
    let keys = Value::Object(roles.into_iter().collect()).to_string();
    fs::write(state.path("keys.json"), keys).expect("written");
    let output = Command::new("node")
        .arg(root().join("tests/peers/desk.mjs"))
        .arg(&service.address)
        .args([state.path("keys.json"), state.path("new.csv"), state.path("shots")])
        .output()
        .expect("node is there");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    let pages = report["pages"].as_array().expect("pages");
    let asked = report["asked"].as_u64().unwrap_or_default() as usize;
    println!("{} looks at {} pages, {asked} by axe-core", pages.len(), pages.len() / 6);
    assert!(asked >= pages.len() / 3, "{asked}");
    assert_eq!(report["violations"], json!([]), "axe-core");
    assert_eq!(report["wide"], json!([]), "wider than the window");
    assert_eq!(report["faults"], json!([]), "faults in the browser");
    assert!(pages.len() >= 150, "{}", pages.len());
    assert_eq!(report["keyboard"]["jumped"], "content");
    assert_eq!(report["keyboard"]["field"], "key");
    for tabs in report["tabs"].as_array().expect("pages") {
        assert_eq!(tabs["expected"], tabs["reached"], "{tabs}");
    }
    let (pairs, left) = (&report["reviewed"]["pairs"], &report["reviewed"]["left"]);
    assert_eq!(pairs.as_u64(), left.as_u64().map(|left| left + 1), "one row was decided");
    assert_eq!(report["compared"], 4, "two lines out, two in");
    assert!(report["wrong"].as_str().is_some_and(|told| told.contains("line 1")));
    assert_eq!(report["withoutScripts"]["title"], "কৃষক বন্ধু");
    assert_eq!(report["enteredWithoutScripts"], "/desk");
    assert!(report["slip"].as_str().is_some_and(|slip| slip.contains("E42")), "{}", report["slip"]);
    assert_eq!(report["entrance"]["key"], 1, "who is not in is shown the entrance");
    assert_eq!(report["conjuncts"], json!([true, true, true, true, true]));
    // What was said of a duplicate was issued to, once.
    let shown = state.shown("office", &[]);
    let wait = format!(
        "/v1/offices/0/registers/{}?wait=30",
        service.curl_as(&shown, "/v1/offices/0/registers", &[]).json()["registers"][0]["id"]
            .as_str()
            .expect("a register")
    );
    let released = service.curl_as(&shown, &wait, &[]).json();
    assert_eq!((&released["rows"], &released["issued"]), (&json!(1), &json!(1)), "{released}");
    assert_eq!(service.stop(), 0);
    assert_eq!(state.run(&["audit", "verify"]).code, 0);
}

#[test]
fn session_can_be_neither_fixed_nor_kept_nor_used_by_another_site() {
    let state = scene();
    let service = Service::start(&state, &[]);
    let oversight = key(&state, "oversight");
    // Whatever a browser brings, the session is a new one.
    let planted = format!("Cookie: praman={}", "ab".repeat(32));
    let entered = enter(&service, &oversight, &["-H", &planted]);
    assert_eq!(entered.status, 303, "{}", entered.body);
    let session = cookie(&entered);
    assert_ne!(session, planted);
    assert_eq!(service.curl_as(&planted, "/desk/audit", &[]).status, 401);
    for attribute in ["httponly", "samesite=strict", "path=/"] {
        assert!(entered.headers.contains(attribute), "{}", entered.headers);
    }
    // Coming in again ends the session before.
    let again = cookie(&enter(&service, &oversight, &["-H", &session]));
    assert_ne!(again, session);
    assert_eq!(service.curl_as(&session, "/desk/principals", &[]).status, 401);
    let page = service.curl_as(&again, "/desk/principals", &[]);
    assert_eq!(page.status, 200);

    // No page may be shown in a frame, load anything of others, or be kept.
    for path in ["/desk", "/desk/principals", "/desk/enter", "/desk/nowhere", "/desk/audit"] {
        let headers = service.curl_as(&again, path, &[]).headers;
        for policy in [
            "frame-ancestors 'none'",
            "x-frame-options: deny",
            "default-src 'none'",
            "cache-control: no-store",
            "x-content-type-options: nosniff",
        ] {
            assert!(headers.contains(policy), "{path}: {headers}");
        }
        assert!(!headers.contains("unsafe"), "{headers}");
    }

    // A form counts only with its session's token, and from the service's own pages.
    let own = token(&page);
    let end = |token: &str, more: &[&str]| {
        let field = format!("token={token}");
        let post = ["-H", &again, "--data-urlencode", &field];
        service.curl("/desk/principals/4/end", &[&post[..], more].concat()).status
    };
    let other = token(&service.curl_as(
        &cookie(&enter(&service, &key(&state, "agency"), &[])),
        "/desk/principals",
        &[],
    ));
    assert_eq!(end("", &[]), 400);
    assert_eq!(end(&other, &[]), 400, "another session's token");
    assert_eq!(end(&own, &["-H", "Sec-Fetch-Site: cross-site"]), 400);
    assert_eq!(end(&own, &["-H", "Origin: https://elsewhere.example"]), 400);
    assert_eq!(end(&own, &["-H", "Origin: null"]), 400);
    let elsewhere = enter(&service, &oversight, &["-H", "Sec-Fetch-Site: cross-site"]);
    assert_eq!(elsewhere.status, 400, "nobody is led in by another site");
    let host = format!("Origin: {}", service.address);
    assert_eq!(end(&own, &["-H", &host, "-H", "Sec-Fetch-Site: same-origin"]), 303);

    // The way back is on the desk.
    let back = |to: &str| {
        let field = format!("back={to}");
        let entered = enter(&service, &oversight, &["--data-urlencode", &field]);
        let place = entered.headers.lines().find_map(|line| line.strip_prefix("location: "));
        place.expect("a place").trim().to_owned()
    };
    assert_eq!(back("/desk/audit"), "/desk/audit");
    for outside in ["https://elsewhere.example", "//elsewhere.example", "/v1/claims", "/desk\\@x"] {
        assert_eq!(back(outside), "/desk");
    }

    // A wrong key enters nothing and is told nowhere; leaving, and the end of a principal, end at once.
    let wrong = format!("praman_{}", "0".repeat(64));
    let refused = enter(&service, &wrong, &[]);
    assert_eq!(refused.status, 422);
    assert!(!refused.body.contains(&wrong) && !refused.headers.contains("set-cookie: praman="));
    let department = cookie(&enter(&service, &key(&state, "department"), &[]));
    assert_eq!(service.curl_as(&department, "/desk/claims", &[]).status, 200);
    assert_eq!(service.curl_as(&department, "/desk/audit", &[]).status, 403);
    state.json(&["access", "revoke", "2"]);
    assert_eq!(service.curl_as(&department, "/desk/claims", &[]).status, 401);
    let left = ["-H", &again, "--data-urlencode", &format!("token={own}")];
    assert_eq!(service.curl("/desk/leave", &left).status, 303);
    assert_eq!(service.curl_as(&again, "/desk/principals", &[]).status, 401);
    // Secrets are in no table and in nothing that was said.
    let store = fs::read(state.path("state/praman.db")).unwrap_or_default();
    let wal = fs::read(state.path("state/praman.db-wal")).unwrap_or_default();
    let secret = again.trim_start_matches("Cookie: praman=");
    for bytes in [store, wal] {
        assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
        let raw = hex::decode(secret).expect("digits");
        assert!(!bytes.windows(raw.len()).any(|window| window == raw));
    }
    assert!(!service.said.lock().expect("said").contains(secret));
    assert_eq!(service.stop(), 0);
}

#[test]
fn owner_of_a_row_is_decided_once_however_many_decide_at_once() {
    let state = scene();
    write_new_register(&state);
    let service = Service::start(&state, &["--office", "office.json"]);
    let shown = state.shown("office", &[]);
    let csv = format!("@{}", state.path("new.csv").display());
    let csv = ["--data-binary", &csv, "-H", "Content-Type: text/csv"];
    let registers = "/v1/offices/0/registers";
    let uploaded = service.curl_as(&shown, &format!("{registers}?secrets=made"), &csv);
    assert_eq!(uploaded.status, 202, "{}", uploaded.body);
    let id = uploaded.json()["id"].as_str().expect("a register").to_owned();
    let issued = service.curl_as(&shown, &format!("{registers}/{id}?wait=30"), &[]).json();
    assert_eq!(issued["state"], "issued", "{issued}");
    let page = format!("/desk/offices/0/registers/{id}/duplicates");
    let rows = service.curl_as(&shown, &page, &[]).body;
    let rows: Vec<&str> = rows
        .split("name=\"place\" value=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().expect("a place"))
        .collect();
    assert!(rows.len() >= 5, "{rows:?}");
    let say = |row: &str, verdict: &str| {
        let (place, verdict) = (format!("place={row}"), format!("verdict={verdict}"));
        service.curl_as(&shown, &page, &["-d", &place, "-d", &verdict])
    };
    let (mut others, verdicts) = (0, ["other-person", "same-person", "other-person"]);
    for row in &rows[..4] {
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let said = verdicts.map(|verdict| scope.spawn(move || say(row, verdict).status));
            said.map(|one| one.join().expect("answered")).into()
        });
        let first: Vec<_> = (0..3).filter(|&place| statuses[place] == 303).collect();
        assert_eq!(first.len(), 1, "{statuses:?}");
        assert_eq!(statuses.iter().filter(|&&status| status == 409).count(), 2, "{statuses:?}");
        others += usize::from(verdicts[first[0]] == "other-person");
        let stands = say(row, "same-person");
        assert_eq!(stands.status, 409, "what was said stands");
    }
    let known = || service.curl_as(&shown, registers, &[]).json()["registers"].clone();
    assert_eq!(known().as_array().map(Vec::len), Some(1 + others));
    // To issue to another person is metered as every register is.
    state.json(&["access", "quota", "tests", "registers.upload", "--a-day", "1"]);
    let full = say(rows[4], "other-person");
    assert_eq!(full.status, 429, "{}", full.body);
    assert_eq!(known().as_array().map(Vec::len), Some(1 + others));
    assert_eq!(say(rows[4], "same-person").status, 303, "nothing was said before");
    assert_eq!(service.stop(), 0);
}

#[test]
fn refusal_is_explained_in_the_readers_language() {
    let state = scene();
    let service = Service::start(&state, &[]);
    let told = |role: &str, path: &str, language: &str, more: &[&str]| {
        let shown = state.shown(role, &[]);
        let language = format!("Accept-Language: {language}");
        let page = service.curl_as(&shown, path, &[&["-H", &language], more].concat());
        let (_, alert) = page.body.split_once("role=\"alert\">").expect("a sentence");
        (page.status, alert.split('<').next().expect("a text").to_owned())
    };
    let case = ["--data", "outcome=stands"];
    for (role, path, more, status, sentences) in [
        (
            "department",
            "/desk/audit",
            &[][..],
            403,
            [
                "দপ্তর-এর এটি করার অনুমতি নেই; যাঁদের আছে: তদারকি কমিটি, নিরীক্ষক",
                "विभाग को इसकी अनुमति नहीं है; यह इनके लिए है: निगरानी समिति, लेखा परीक्षक",
                "department may not do this; it is for oversight committee, auditor",
            ],
        ),
        (
            "oversight",
            "/desk/nowhere",
            &[],
            404,
            ["এই ঠিকানায় কিছু নেই", "इस पते पर कुछ नहीं है", "there is nothing at this address"],
        ),
        (
            "office",
            "/desk/offices/nought/registers",
            &[],
            404,
            ["এই ঠিকানায় কিছু নেই", "इस पते पर कुछ नहीं है", "there is nothing at this address"],
        ),
        (
            "department",
            "/desk/cases/12/answer",
            &case,
            422,
            [
                "১২ নম্বরের কোনো অভিযোগ নেই",
                "संख्या 12 की कोई शिकायत नहीं है",
                "there is no grievance 12",
            ],
        ),
        (
            "oversight",
            "/desk/approvals/3",
            &["--data", "decision=approve"],
            422,
            [
                "৩ নম্বরে কিছু অপেক্ষায় নেই",
                "संख्या 3 पर कुछ प्रतीक्षा में नहीं है",
                "there is no approval request 3",
            ],
        ),
    ] {
        for (language, sentence) in ["bn", "hi", "en"].into_iter().zip(sentences) {
            assert_eq!(told(role, path, language, more), (status, sentence.to_owned()), "{path}");
        }
    }
    // Programs are told in English, with what they go by.
    let shown = state.shown("department", &[]);
    let forbidden = service.curl_as(&shown, "/v1/audit", &["-H", "Accept-Language: bn"]);
    let message = &forbidden.json()["error"]["message"];
    assert_eq!(message, "department may not do this (audit.read); only oversight, auditor may");
    assert_eq!(service.stop(), 0);
}

#[test]
fn refused_person_learns_why_and_appeals() {
    let state = scene();
    let open = ["grievance", "open", "--office", "0", "--scheme", "krishak-bandhu", "--language"];
    let opened = state
        .json(&[&["--as", "office.key"], &open[..], &["bn", "--cause", "account-closed"]].concat());
    assert_eq!(opened["told"]["code"], "E42");
    assert!(opened["told"]["sentence"].as_str().is_some_and(|told| told.contains("অ্যাকাউন্ট")));
    assert!(opened["told"]["bring"].as_str().is_some_and(|told| told.contains("পাসবই")));
    let slip = opened["slip"].as_str().expect("a slip").to_owned();
    let shown = state.json(&["grievance", "slip", "1", &slip.to_lowercase()]);
    assert_eq!((&shown["state"], &shown["is_late"]), (&json!("open"), &json!(false)));
    state.refused(&["grievance", "slip", "1", "00000-00000"], 1, "no grievance with this number");
    state.refused(&["grievance", "slip", "1", "short"], 2, "ten letters");
    state.refused(&["grievance", "appeal", "1", &slip], 1, "not answered yet");
    // Only the department answers, once; only who holds the slip appeals; only others decide.
    let answer = ["grievance", "answer", "1", "stands"];
    state.refused(&[&["--as", "office.key"], &answer[..]].concat(), 1, "office may not do this");
    let answered = state.json(&[&["--as", "department.key"], &answer[..]].concat());
    assert_eq!((&answered["state"], &answered["outcome"]), (&json!("answered"), &json!("stands")));
    state.refused(&[&["--as", "department.key"], &answer[..]].concat(), 1, "already answered");
    let decide = ["grievance", "decide", "1", "set-right"];
    state.refused(
        &[&["--as", "oversight.key"], &decide[..]].concat(),
        1,
        "not waiting for a decision",
    );
    assert_eq!(state.json(&["grievance", "appeal", "1", &slip])["state"], "appealed");
    state.refused(&["grievance", "appeal", "1", &slip], 1, "an appeal was already made");
    state.refused(&[&["--as", "department.key"], &decide[..]].concat(), 1, "may not do this");
    let decided = state.json(&[&["--as", "oversight.key"], &decide[..]].concat());
    assert_eq!(
        (&decided["state"], &decided["appeal_outcome"]),
        (&json!("decided"), &json!("set-right"))
    );
    state.refused(
        &[&["--as", "office.key"], &open[..], &["bn", "--cause", "E99"]].concat(),
        2,
        "not a cause",
    );

    // Over HTTP the same; another office's and another tenant's cases are none.
    let service = Service::start(&state, &[]);
    let body = json!({ "office": 0, "scheme": "krishak-bandhu", "cause": "E21", "language": "en" });
    let post = |role: &str, path: &str, body: &Value| {
        service.curl_as(&state.shown(role, &[]), path, &["--data", &body.to_string()])
    };
    let opened = post("kiosk", "/v1/cases", &body);
    assert_eq!(opened.status, 201, "{}", opened.body);
    let slip = json!({ "slip": opened.json()["slip"] });
    let case = service.curl("/v1/cases/2/slip", &["--data", &slip.to_string()]);
    assert_eq!((case.status, &case.json()["code"]), (200, &json!("E21")), "{}", case.body);
    let wrong = json!({ "slip": "00000-00000" }).to_string();
    assert_eq!(service.curl("/v1/cases/2/slip", &["--data", &wrong]).status, 404);
    let other =
        json!({ "office": 7, "scheme": "krishak-bandhu", "cause": "E21", "language": "en" });
    assert_eq!(post("kiosk", "/v1/cases", &other).status, 422);
    let right = post("department", "/v1/cases/2/answer", &json!({ "outcome": "set-right" }));
    assert_eq!(right.json()["outcome"], "set-right", "{}", right.body);
    let appealed = service.curl("/v1/cases/2/appeal", &["--data", &slip.to_string()]);
    assert_eq!((appealed.status, appealed.code().as_str()), (422, "refused"), "{}", appealed.body);
    // Few are not told; five are.
    let figures =
        |role: &str| service.curl_as(&state.shown(role, &[]), "/v1/cases/figures", &[]).json();
    let office = figures("auditor")["offices"][0].clone();
    assert_eq!((&office["name"], &office["cases"]), (&json!("Block"), &Value::Null), "{office}");
    for _ in 0..4 {
        post("office", "/v1/cases", &body);
    }
    let told = figures("department");
    assert_eq!((&told["offices"][0]["cases"], &told["offices"][0]["late"]), (&json!(6), &json!(0)));
    assert_eq!(told["causes"]["E42"], Value::Null, "{told}");
    assert_eq!(service.stop(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn settled_period_is_shown_to_whom_its_scheme_belongs() {
    let state = scene();
    let store = praman::store::Store::open(&state.path("state")).await.expect("a store");
    sqlx::query("INSERT INTO settlement VALUES (0, 123456, 40, 1, 2, 3, 9)")
        .execute(store.pool())
        .await
        .expect("written");
    store.close().await;
    state.json(&["access", "tenant", "food", "--title", "Food", "--scheme", "annapurna"]);
    let admit = ["access", "admit", "--name", "Food", "--role", "department", "--tenant", "food"];
    state.json(&[&admit[..], &["--key-out", "food.key"]].concat());
    let service = Service::start(&state, &[]);
    let row =
        ["1,23,456", "46", "40", "1", "2", "3"].map(|cell| format!("<td>{cell}</td>")).concat();
    for (role, language, shown) in [
        ("treasury", "en", Some(row.as_str())),
        ("department", "en", Some(row.as_str())),
        ("treasury", "bn", Some("<td>১,২৩,৪৫৬</td><td>৪৬</td><td>৪০</td>")),
        ("food", "en", None),
    ] {
        let caller = format!("Authorization: Bearer {}", key(&state, role));
        let page = service.curl_as(&caller, &format!("/desk/payments?lang={language}"), &[]);
        assert_eq!(page.status, 200, "{role}");
        match shown {
            Some(row) => assert!(page.body.contains(row), "{role}: {}", page.body),
            None => assert!(!page.body.contains("1,23,456"), "{role}: {}", page.body),
        }
    }
    assert_eq!(service.stop(), 0);
}

#[test]
fn districts_are_counted_and_refusals_are_in_the_persons_language() {
    let state = scene();
    let holders = (2..60).map(|number| format!("WB07{number:07}"));
    let service = Service::start(&state, &[]);
    let mut handed_in = Vec::new();
    for holder in holders {
        let proved = state.prove(&holder, "krishak-bandhu", support::year(), &holder);
        if proved.code == 0 {
            let district = ["-H", "Praman-District: Nadia"];
            let answer = service.submit(&state, &holder, "?wait=20", &district);
            assert_eq!(answer.json()["state"], "accepted", "{}", answer.body);
            // The same claim again is counted no second time.
            service.submit(&state, &holder, "", &district);
            handed_in.push(holder);
        }
        if handed_in.len() == 6 {
            break;
        }
    }
    assert_eq!(handed_in.len(), 6, "{handed_in:?}");
    let wrong = service.submit(&state, &handed_in[0], "", &["-H", "Praman-District: Atlantis"]);
    assert_eq!((wrong.status, wrong.code().as_str()), (400, "malformed"));
    let shown = state.shown("department", &[]);
    let page = service.curl_as(&shown, "/desk/claims?lang=en", &[]).body;
    let (_, nadia) = page.split_once("<span class=\"name\">Nadia</span>").expect("a district");
    let (_, number) = nadia.split_once("<span class=\"number\">").expect("a number");
    assert!(number.starts_with(&format!("{}<", handed_in.len())), "{}", &number[..20]);
    assert!(page.contains("value=\"krishak-bandhu\"") && !page.contains("value=\"annapurna\""));
    // Another department sees nothing of it, whatever it asks for.
    state.json(&["access", "tenant", "food", "--title", "Food", "--scheme", "annapurna"]);
    let admit = ["access", "admit", "--name", "Food", "--role", "department", "--tenant", "food"];
    state.json(&[&admit[..], &["--key-out", "food.key"]].concat());
    let food = format!("Authorization: Bearer {}", key(&state, "food"));
    for path in ["/desk/claims?lang=en", "/desk/claims?lang=en&scheme=krishak-bandhu"] {
        let page = service.curl_as(&food, path, &[]).body;
        let (_, nadia) = page.split_once("<span class=\"name\">Nadia</span>").expect("a district");
        let (_, number) = nadia.split_once("<span class=\"number\">").expect("a number");
        assert!(number.starts_with("0<"), "{}", &number[..20]);
        assert!(!page.contains("krishak"), "{path}");
    }

    // Another proof of the same claim is refused, with a code and what to do, in Bengali.
    assert_eq!(state.prove(&handed_in[0], "krishak-bandhu", support::year(), "again").code, 0);
    let answer = service.submit(&state, "again", "?wait=20", &["-H", "Accept-Language: bn"]);
    let refusal = &answer.json()["refusal"];
    assert_eq!(refusal["code"], "E31", "{}", answer.body);
    assert!(refusal["sentence"].as_str().is_some_and(|told| told.contains("দাবি")), "{refusal}");
    assert!(refusal["appeal_by"].is_string() && refusal["bring"].is_string(), "{refusal}");
    assert_eq!(service.stop(), 0);
}
