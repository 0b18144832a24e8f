//! Placeholder while the drawing is written.
use stalemap_explore::Replay;
use stalemap_model::oracle::Property;
/// About.
pub struct About {
    /// s
    pub scenario: String,
    /// t
    pub title: String,
    /// d
    pub design: String,
    /// p
    pub property: Option<Property>,
    /// n
    pub preemptions: Option<u32>,
    /// c
    pub certified: Option<String>,
}
/// Renders.
pub fn render(replay: &Replay, _about: &About, _width: usize, _color: bool) -> String {
    replay.played.iter().map(|p| format!("{} {} {:?}\n", replay.actors[p.actor].name, p.op, p.events.iter().map(|e| e.text.as_str()).collect::<Vec<_>>())).collect()
}
