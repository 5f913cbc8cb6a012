//! Rules of style that no linter has.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use support::root;

use crate::support;

/// The longest file of code.
const LINES_MAX: usize = 640;

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("readable") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() {
            if !["target", "node_modules", ".git"].contains(&name) {
                sources(&path, found);
            }
        } else if [".rs", ".sol", ".mjs", ".toml", ".md", ".sql"].iter().any(|e| name.ends_with(e))
        {
            found.push(path);
        }
    }
}

#[test]
fn sources_are_short_finished_and_speak_of_the_project_alone() {
    let mut found = Vec::new();
    sources(&root(), &mut found);
    assert!(found.len() > 50);
    let mut faults = Vec::new();
    for path in found {
        let text = std::fs::read_to_string(&path).expect("UTF-8");
        let name = path.strip_prefix(root()).expect("below the root").display().to_string();
        let code = [".rs", ".sol"].iter().any(|ending| name.ends_with(ending));
        if code && text.lines().count() > LINES_MAX {
            faults.push(format!("{name} has more than {LINES_MAX} lines"));
        }
        for (number, line) in text.lines().enumerate() {
            let place = format!("{name}:{}", number + 1);
            // Spelt apart, so that this file does not break its own rule.
            let unfinished =
                [concat!("to", "do!("), concat!("unimpl", "emented!("), concat!("FIX", "ME")];
            if code && unfinished.iter().any(|word| line.contains(word)) {
                faults.push(format!("{place} is unfinished"));
            }
            if code && !name.contains("tests") && line.contains(concat!(".unw", "rap()")) {
                faults.push(format!("{place}: state the invariant with expect"));
            }
            if [concat!("/wo", "rk/"), concat!("/ro", "ot/")].iter().any(|p| line.contains(p)) {
                faults.push(format!("{place} names a machine's path"));
            }
            if line.ends_with([' ', '\t']) {
                faults.push(format!("{place} ends in white space"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The names of sentences in the sources below a folder.
fn sentences(folder: &Path, found: &mut BTreeSet<String>) {
    let mut files = Vec::new();
    sources(folder, &mut files);
    for path in files.iter().filter(|path| !path.ends_with("sentence.rs")) {
        let text = std::fs::read_to_string(path).expect("UTF-8");
        let names = text.split("Sentence::of(").skip(1);
        let names = names.filter_map(|rest| rest.trim_start().strip_prefix('"'));
        found.extend(names.filter_map(|rest| rest.split('"').next()).map(str::to_owned));
    }
}

#[test]
fn every_sentence_has_a_text_and_every_text_is_said() {
    let service = root().join("service");
    let mut said = BTreeSet::new();
    for crate_folder in std::fs::read_dir(&service).expect("readable") {
        let source = crate_folder.expect("an entry").path().join("src");
        if source.is_dir() {
            sentences(&source, &mut said);
        }
    }
    let texts = service.join("language/texts/faults/en.ftl");
    let texts = std::fs::read_to_string(texts).expect("readable");
    let texts = texts.lines().filter_map(|line| line.split_once(" = "));
    let texts: BTreeSet<String> = texts.map(|(name, _)| name.to_owned()).collect();
    assert_eq!(said, texts);
}

/// What may use what, as ARCHITECTURE.md's table of crates says.
fn allowed() -> BTreeMap<String, BTreeSet<String>> {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("readable");
    let (_, table) =
        text.split_once("| crate | holds | may use |\n|---|---|---|\n").expect("a table");
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    let mut allowed: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let name = cells[0].trim_matches('`').to_owned();
        let used = match cells[2] {
            "all of these" => allowed.keys().cloned().collect(),
            some => some
                .split(", ")
                .filter(|one| !one.is_empty())
                .map(|one| format!("praman-{one}"))
                .collect(),
        };
        allowed.insert(name, used);
    }
    allowed
}

#[test]
fn crates_use_only_what_the_table_of_the_architecture_allows() {
    let output = std::process::Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let name = |value: &serde_json::Value| value["name"].as_str().expect("a name").to_owned();
    let own: BTreeSet<String> = packages.iter().map(name).collect();
    let allowed = allowed();
    assert_eq!(own, allowed.keys().cloned().collect(), "the table has each crate");
    for package in packages {
        let used = package["dependencies"].as_array().expect("dependencies");
        // What tests alone use is no arrow.
        let used = used.iter().filter(|one| one["kind"].is_null()).map(name);
        let used: BTreeSet<String> = used.filter(|one| own.contains(one)).collect();
        let more: Vec<_> = used.difference(&allowed[&name(package)]).collect();
        assert!(more.is_empty(), "{} uses {more:?}", name(package));
    }
}

/// Two types of one name would be one in the description, and the other's callers would be misled.
#[test]
fn schemas_of_the_description_have_names_of_their_own() {
    let mut files = Vec::new();
    sources(&root().join("service"), &mut files);
    let mut found = BTreeMap::new();
    let mut faults = Vec::new();
    for path in files.iter().filter(|path| path.extension().is_some_and(|end| end == "rs")) {
        let text = std::fs::read_to_string(path).expect("UTF-8");
        for after in text.split("ToSchema)").skip(1) {
            let declared = after.lines().find_map(|line| {
                let (_, name) = line.split_once("struct ").or_else(|| line.split_once("enum "))?;
                name.split(|letter: char| !letter.is_alphanumeric()).next().map(str::to_owned)
            });
            let name = declared.expect("a type");
            if let Some(other) = found.insert(name.clone(), path.clone()) {
                faults.push(format!("{name}: {} and {}", other.display(), path.display()));
            }
        }
    }
    assert!(found.len() > 30, "{}", found.len());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Licences, sources and what is banned, by the file that `cargo deny` reads.
#[test]
fn dependencies_are_those_that_deny_toml_allows() {
    let read = |name: &str| -> toml::Table {
        let text = std::fs::read_to_string(root().join(name)).expect("readable");
        text.parse().expect("TOML")
    };
    let deny = read("deny.toml");
    let texts = |value: &toml::Value| -> BTreeSet<String> {
        let texts = value.as_array().expect("a list").iter();
        texts.map(|text| text.as_str().expect("a text").to_owned()).collect()
    };
    let allowed = texts(&deny["licenses"]["allow"]);
    let exceptions = deny["licenses"]["exceptions"].as_array().expect("a list");
    let banned = deny["bans"]["deny"].as_array().expect("a list").iter();
    let banned: BTreeSet<&str> = banned.filter_map(|one| one["crate"].as_str()).collect();
    let registries = texts(&deny["sources"]["allow-registry"]);
    let mut faults = Vec::new();

    for package in read("Cargo.lock")["package"].as_array().expect("packages") {
        let source = package.get("source").and_then(toml::Value::as_str);
        let is_known = |source: &str| {
            source.strip_prefix("registry+").is_some_and(|registry| registries.contains(registry))
        };
        if !source.is_none_or(is_known) {
            faults.push(format!("{} is from {source:?}", package["name"]));
        }
    }

    // What is built here, of all that the lock file has.
    let output = std::process::Command::new(env!("CARGO"))
        .args(["tree", "--workspace", "--offline", "--prefix", "none", "--format", "{p};{l}"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let built = String::from_utf8(output.stdout).expect("UTF-8");
    let built: BTreeSet<(&str, &str)> = built
        .lines()
        .filter_map(|line| line.trim_end_matches(" (*)").split_once(';'))
        .map(|(package, licence)| (package.split(' ').next().unwrap_or_default(), licence))
        .collect();
    assert!(built.len() > 300, "{}", built.len());
    for (name, licence) in built {
        if banned.contains(name) {
            faults.push(format!("{name} is banned"));
        }
        let exception = exceptions.iter().find(|one| one["crate"].as_str() == Some(name));
        let exception = exception.map(|one| texts(&one["allow"])).unwrap_or_default();
        let is_allowed = |one: &spdx::LicenseReq| {
            let one = one.to_string();
            allowed.contains(&one) || exception.contains(&one)
        };
        match spdx::Expression::parse_mode(licence, spdx::ParseMode::LAX) {
            Ok(licence) if licence.evaluate(is_allowed) => {}
            _ => faults.push(format!("{name} is under {licence:?}")),
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The modules that write a table, by the table map in the documents.
fn documented_writers() -> BTreeMap<String, BTreeSet<String>> {
    let text = std::fs::read_to_string(root().join("docs/TABLES.md")).expect("readable");
    let mut writers: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let names = |cell: &str| -> Vec<String> {
        cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    };
    for row in text.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').collect();
        for table in names(cells[0]) {
            let before = writers.insert(table.clone(), names(cells[1]).into_iter().collect());
            assert!(before.is_none(), "{table} stands twice in the table map");
        }
    }
    writers
}

/// Returns the tables that follow some words in the statements of the sources, with the modules that name them.
fn tables_after(words: &[&str]) -> BTreeMap<String, BTreeSet<String>> {
    let service = root().join("service");
    let mut files = Vec::new();
    sources(&service, &mut files);
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for path in files {
        let name = path.strip_prefix(&service).expect("below").display().to_string();
        let Some((of_crate, module)) =
            name.strip_suffix(".rs").and_then(|name| name.split_once("/src/"))
        else {
            continue;
        };
        if module.split('/').any(|part| part == "tests") {
            continue;
        }
        let module = match module {
            "lib" => of_crate.to_owned(),
            module => format!("{of_crate}::{}", module.replace('/', "::")),
        };
        let text = std::fs::read_to_string(&path).expect("UTF-8");
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        for word in words {
            for rest in code.split(word).skip(1) {
                let end = rest.find(|c: char| c != '_' && !c.is_ascii_lowercase());
                let table = &rest[..end.unwrap_or(rest.len())];
                if !table.is_empty() {
                    found.entry(table.to_owned()).or_default().insert(module.clone());
                }
            }
        }
    }
    found
}

#[test]
fn tables_are_written_by_the_modules_that_the_map_names() {
    let (documented, found) =
        (documented_writers(), tables_after(&["INSERT INTO ", "UPDATE ", "DELETE FROM "]));
    assert!(documented.len() > 50);
    let mut faults = Vec::new();
    for (table, modules) in &documented {
        let found = found.get(table).cloned().unwrap_or_default();
        if *modules != found {
            faults.push(format!("{table}: the map says {modules:?}, the sources {found:?}"));
        }
    }
    // Tables that the map does not have: words after the verbs that are none have no migration.
    let mut migrations = Vec::new();
    sources(&root().join("service/store/migrations"), &mut migrations);
    let migrations: String =
        migrations.iter().map(|path| std::fs::read_to_string(path).expect("UTF-8")).collect();
    for table in found.keys().filter(|table| !documented.contains_key(*table)) {
        if migrations.contains(&format!("CREATE TABLE {table} (")) {
            faults.push(format!("{table} is not in the map"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// A table belongs to one crate: no other writes it, and only crates above it read it.
#[test]
fn tables_belong_to_one_crate_and_are_read_only_from_above() {
    let allowed = allowed();
    let of_crate = |module: &str| module.split("::").next().unwrap_or_default().to_owned();
    let mut faults = Vec::new();
    let mut owners = BTreeMap::new();
    for (table, modules) in documented_writers() {
        let crates: BTreeSet<String> = modules.iter().map(|module| of_crate(module)).collect();
        match crates.into_iter().collect::<Vec<_>>().as_slice() {
            [owner] => drop(owners.insert(table, owner.clone())),
            others => faults.push(format!("{table} is written by {others:?}")),
        }
    }
    assert!(owners.len() > 50);
    for (table, modules) in tables_after(&["FROM ", "JOIN "]) {
        let Some(owner) = owners.get(&table) else { continue };
        for module in modules {
            let reader = of_crate(&module);
            let name = if reader == "praman" { reader.clone() } else { format!("praman-{reader}") };
            if reader != *owner && !allowed[&name].contains(&format!("praman-{owner}")) {
                faults.push(format!("{module} reads {table}, which belongs to {owner}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
