//! No two files of a crate import each other in a circle: whoever reads one of them has to read all of them.
//!
//! An import is a `use`, or a path in the code: one that begins with `crate`, `self` or `super`, or with a module that the file
//! declares. What a module re-exports (`pub use`) is its front page and no import; nor are unit tests.

mod workspace;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A module's path within its crate; the root's is empty.
type Module = Vec<String>;

/// Source folders of all crates of the workspace.
fn sources() -> Vec<PathBuf> {
    let manifests = workspace::packages();
    let manifests = manifests.iter().map(|package| package["manifest_path"].as_str().expect("a path"));
    manifests.map(|manifest| Path::new(manifest).with_file_name("src")).collect()
}

/// The files of a crate by their modules. Programs (`main.rs`, `bin/`) import and are not imported.
fn files(src: &Path) -> BTreeMap<Module, PathBuf> {
    let (mut files, mut folders) = (BTreeMap::new(), vec![(src.to_owned(), Module::new())]);
    while let Some((folder, module)) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            let stem = path.file_stem().expect("a name").to_string_lossy().into_owned();
            let below = || module.iter().cloned().chain([stem.clone()]).collect::<Module>();
            if path.is_dir() && stem != "bin" {
                folders.push((path, below()));
            } else if path.extension().is_some_and(|e| e == "rs") && stem != "main" {
                let root = module.is_empty() && stem == "lib";
                files.insert(if root || stem == "mod" { module.clone() } else { below() }, path);
            }
        }
    }
    files
}

/// A source without comments, and without the unit tests at its end.
fn code(text: &str) -> String {
    let body = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    body.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// The paths that a source imports.
fn imports(code: &str) -> Vec<Vec<String>> {
    let (mut found, mut rest) = (Vec::new(), String::new());
    for statement in code.split_inclusive(';') {
        let start = statement.rfind("use ").filter(|&at| {
            let before = statement[..at].trim_end_matches(' ');
            before.is_empty() || before.ends_with(['\n', ')']) || before.ends_with("pub")
        });
        match start {
            Some(at) => {
                if !statement[..at].trim_end().rsplit('\n').next().is_some_and(|line| line.contains("pub")) {
                    expand(statement[at + 4..].trim_end_matches(';').trim(), &mut Vec::new(), &mut found);
                }
                rest.push_str(&statement[..at]);
            }
            None => rest.push_str(statement),
        }
    }
    for (at, _) in rest.match_indices("::") {
        let begins = |c: char| !(c.is_alphanumeric() || c == '_' || c == ':');
        let first = rest[..at].rfind(begins).map_or(0, |i| i + 1);
        // A visibility (`pub(in crate::a)`) is no import.
        let is_visibility = rest[..first].ends_with("(in ");
        let name = &rest[first..at];
        let declared =
            [format!("mod {name};"), format!("mod {name} ")].iter().any(|text| rest.contains(text));
        if (["crate", "super", "self"].contains(&name) || declared) && !is_visibility {
            let end = rest[at..].find(begins).map_or(rest.len(), |i| at + i);
            found.push(rest[first..end].split("::").map(str::to_owned).collect());
        }
    }
    found
}

/// Adds the paths of a tree such as `a::{b, c::d as e}`.
fn expand(tree: &str, prefix: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    let tree = tree.trim();
    if let Some(list) = tree.strip_prefix('{').and_then(|t| t.strip_suffix('}')) {
        let (mut depth, mut from) = (0, 0);
        for (at, c) in list.char_indices().chain([(list.len(), ',')]) {
            depth += i32::from(c == '{') - i32::from(c == '}');
            if c == ',' && depth == 0 {
                if !list[from..at].trim().is_empty() {
                    expand(&list[from..at], prefix, found);
                }
                from = at + 1;
            }
        }
    } else if let Some((first, below)) = tree.split_once("::") {
        prefix.push(first.trim().to_owned());
        expand(below, prefix, found);
        prefix.pop();
    } else {
        let name = tree.split_whitespace().next().unwrap_or_default().to_owned();
        found.push(prefix.iter().cloned().chain([name]).collect());
    }
}

/// The file that a path leads to, of those that a module can name.
fn target(module: &Module, path: &[String], files: &BTreeMap<Module, PathBuf>) -> Option<Module> {
    let (mut at, mut path) = (module.clone(), path);
    match path.first().map(String::as_str)? {
        "crate" => at.clear(),
        "self" => {}
        "super" => {
            while path.first().is_some_and(|part| part == "super") {
                at.pop();
                path = &path[1..];
            }
        }
        first => {
            let child = module.iter().cloned().chain([first.to_owned()]).collect();
            return files.contains_key(&child).then(|| target(&child, &path[1..], files).unwrap_or(child));
        }
    }
    if path.first().is_some_and(|part| part == "crate" || part == "self") {
        path = &path[1..];
    }
    while let Some(part) = path.first() {
        at.push(part.clone());
        if !files.contains_key(&at) {
            at.pop();
            break;
        }
        path = &path[1..];
    }
    Some(at)
}

/// A circle among imports, if there is one.
fn circle(graph: &BTreeMap<Module, BTreeSet<Module>>) -> Option<Vec<Module>> {
    let mut done = BTreeSet::new();
    for start in graph.keys() {
        let mut way: Vec<(Module, Vec<Module>)> =
            vec![(start.clone(), graph[start].iter().cloned().collect())];
        while let Some((_, next)) = way.last_mut() {
            let Some(module) = next.pop() else {
                done.extend(way.pop().map(|(module, _)| module));
                continue;
            };
            if let Some(at) = way.iter().position(|(on_way, _)| *on_way == module) {
                return Some(way[at..].iter().map(|(module, _)| module.clone()).collect());
            }
            if !done.contains(&module) {
                let below = graph.get(&module).map(|m| m.iter().cloned().collect()).unwrap_or_default();
                way.push((module, below));
            }
        }
    }
    None
}

fn graph(files: &BTreeMap<Module, PathBuf>) -> BTreeMap<Module, BTreeSet<Module>> {
    let of = |(module, path): (&Module, &PathBuf)| {
        let code = code(&std::fs::read_to_string(path).expect("a source"));
        let targets = imports(&code).into_iter().filter_map(|path| target(module, &path, files));
        (module.clone(), targets.filter(|other| other != module).collect())
    };
    let is_tests = |module: &Module| module.last().is_some_and(|name| name == "tests");
    files.iter().filter(|(module, _)| !is_tests(module)).map(of).collect()
}

#[test]
fn no_two_files_import_each_other_in_a_circle() {
    for src in sources() {
        let files = files(&src);
        assert!(files.contains_key(&Module::new()), "{} has no lib.rs", src.display());
        let circle =
            circle(&graph(&files)).map(|modules| modules.iter().map(|m| m.join("/")).collect::<Vec<_>>());
        assert_eq!(circle, None, "{}", src.display());
    }
}

#[test]
fn a_circle_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, text).expect("written");
    };
    write("lib.rs", "mod a;\nmod b;\npub use a::{X, Y};\n");
    write("a.rs", "use std::fmt;\n\nuse crate::b::{self, c::Z};\npub struct X;\n");
    write("b.rs", "pub mod c;\n// use crate::a::X;\n");
    write("b/c.rs", "use super::super::other::Thing;\npub(in crate::a) struct Z;\n");
    let found = || circle(&graph(&files(folder.path())));
    assert_eq!(found(), None, "re-exports and comments are no imports");
    write("b/c.rs", "pub struct Z;\nfn f() -> super::super::a::X { todo() }\n");
    let both = found().expect("a path in the code is an import");
    assert_eq!(both.iter().map(|m| m.join("/")).collect::<Vec<_>>(), ["a", "b/c"]);
    write("b/c.rs", "pub struct Z;\nuse super::super::b::W;\n");
    write("b.rs", "pub mod c;\npub struct W;\nfn g() { c::f() }\n");
    assert!(found().is_some(), "a path through a declared module is an import");
    write("b.rs", "pub mod c;\n");
    write("b/c.rs", "pub struct Z;\n\n#[cfg(test)]\nmod tests {\n    use crate::a::X;\n}\n");
    assert_eq!(found(), None, "tests are no imports");
}
