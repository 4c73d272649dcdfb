//! Commands, however they are asked for, and the settings' file.

use super::*;

#[tokio::test]
async fn the_palette_and_the_command_line_do_what_keys_do() {
    let mut scene = Scene::open(Options::default(), &[]).await;
    scene.waiting("alpha", "true", &["true"]).await;
    let desk = &mut scene.desk;
    desk.line(&["alpha", "overwriting"]).await;
    for way in ["key", "command", "palette"] {
        match way {
            "key" => desk.press("h"),
            "command" => desk.command("hold"),
            _ => {
                desk.press("ctrl-p");
                desk.shows(&["everything"]).await;
                desk.types("hold-or");
                desk.shows(&["hold loops, or release those that are held"]).await;
                desk.press("enter");
            }
        }
        desk.shows(&["Hold alpha?"]).await;
        desk.press("esc");
        desk.hides(&["Hold alpha?"]).await;
    }
    desk.press("ctrl-p");
    desk.shows(&["esc closes"]).await;
    desk.types("alpha");
    desk.line(&["loop", "alpha", "the loop alpha"]).await;
    desk.press("esc");
    desk.hides(&["esc closes"]).await;
    desk.command("holdd");
    desk.shows(&["did you mean", "hold"]).await;
    desk.press("esc");
    desk.hides(&["did you mean"]).await;
    scene.finish().await;
}

#[tokio::test]
async fn a_mistake_in_the_settings_is_named_by_its_line_and_the_rest_counts() {
    let world = World::start(Options::default()).await;
    let file = world.home().join(".config/smith/workstation.toml");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, "ascii = true\nthem = \"dark\"\n\n[keys.everywhere]\n\"X\" = \"help\"\n")
        .unwrap();
    let mut desk = Desk::open(world.smith(&[])).await;
    desk.shows(&["workstation.toml:2:1: there is no setting \"them\"", "\"theme\""]).await;
    desk.shows(&["live"]).await;
    desk.press("X");
    desk.shows(&["keys and commands here"]).await;
    desk.press("/");
    desk.types("which keys");
    desk.line(&["X", "?", "which keys do what here"]).await;
    desk.press("enter");
    desk.until("no sign that isn't ASCII", |text| text.is_ascii()).await;
    desk.press("q");
    desk.hides(&["keys and commands here"]).await;
    desk.command("config");
    desk.shows(&["workstation.toml:2:1", "reads it again"]).await;
    desk.press("q");
    desk.hides(&["reads it again"]).await;
    desk.quit().await;
    finish(world).await;
}
