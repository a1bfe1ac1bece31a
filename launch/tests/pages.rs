//! `docs/write-a-mission.md` against mission files: each key that one may have stands there, and the page's example is one.

use launch::mission_file::MissionFile;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

fn read(path: &str) -> String {
    std::fs::read_to_string(format!("{ROOT}/{path}")).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Returns what the reader would have taken in place of `nonsense`, by its own word.
fn expected_instead(mission_file: &str) -> Vec<String> {
    let error = MissionFile::parse("m.toml", mission_file).expect_err("nonsense is refused").to_string();
    let message = error.lines().next().unwrap_or_default();
    assert!(message.contains("`nonsense`"), "{message}");
    message.split('`').skip(1).step_by(2).filter(|word| *word != "nonsense").map(str::to_owned).collect()
}

#[test]
fn the_page_about_missions_has_every_key() {
    let (good, page) = (read("launch/missions/cable-tunnel.toml"), read("docs/write-a-mission.md"));
    let mut keys = expected_instead(&format!("nonsense = 1\n{good}"));
    for table in ["[tunnel.section]", "[[tunnel.alignment]]", "[inspection]", "[limits]", "[simulation]"] {
        assert!(good.contains(table), "{table}");
        keys.extend(expected_instead(&good.replacen(table, &format!("{table}\nnonsense = 1"), 1)));
    }
    for table in ["floor", "furniture", "defects"] {
        keys.extend(expected_instead(&format!("{good}\n[simulation.{table}]\nnonsense = 1\n")));
    }
    assert!(keys.len() > 55, "{} keys", keys.len());
    // A table is named with all that stands above it.
    let has = |key: &&String| {
        let ways = ["`KEY`", "`[KEY]`", "`[KEY.section]`", "`[simulation.KEY]`"];
        ways.iter().any(|written| page.contains(&written.replace("KEY", key)))
            || *key == "alignment" && page.contains("`[[tunnel.alignment]]`")
            || *key == "section" && page.contains("`[tunnel.section]`")
    };
    let missing: Vec<&String> = keys.iter().filter(|key| !has(key)).collect();
    assert!(missing.is_empty(), "docs/write-a-mission.md lacks {missing:?}");
}

#[test]
fn the_page_about_missions_has_every_word_that_a_key_takes() {
    let (good, page) = (read("launch/missions/cable-tunnel.toml"), read("docs/write-a-mission.md"));
    let choices = [
        good.replacen("\"circular\"", "\"nonsense\"", 1),
        good.replacen("\"left\"", "\"nonsense\"", 1),
        format!("{good}\nlining = \"nonsense\"\n"),
        format!("{good}\n[simulation.furniture]\ncable_wall = \"nonsense\"\n"),
    ];
    for word in choices.iter().flat_map(|text| expected_instead(text)) {
        assert!(page.contains(&format!("`\"{word}\"`")), "docs/write-a-mission.md lacks {word}");
    }
}

#[test]
fn the_pages_example_is_a_mission() {
    let page = read("docs/write-a-mission.md");
    let example =
        page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("there is one");
    let file =
        MissionFile::parse("docs/write-a-mission.md", example).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(file.mission.design.length_m(), 20.0);
}
