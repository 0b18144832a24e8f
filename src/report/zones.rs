//! Zones in words.

use stalemap_model::state::zones::ZoneState;

/// All zones of a device: `0 open, 1 of 2 blocks written, 2 given to I/O; 1-5 empty`.
pub(super) fn all(zones: &[ZoneState]) -> String {
    let mut said: Vec<(usize, usize, String)> = Vec::new();
    for (at, zone) in zones.iter().enumerate() {
        let state = state(*zone);
        match said.last_mut() {
            Some((_, last, before)) if *before == state => *last = at,
            _ => said.push((at, at, state)),
        }
    }
    let say = |(first, last, state): &(usize, usize, String)| {
        if first == last { format!("{first} {state}") } else { format!("{first}-{last} {state}") }
    };
    said.iter().map(say).collect::<Vec<_>>().join("; ")
}

fn state(zone: ZoneState) -> String {
    let ZoneState { open, written, allocated, size } = zone;
    match (open, allocated) {
        (true, _) => format!("open, {written} of {size} blocks written, {allocated} given to I/O"),
        (false, 0) => "empty".to_owned(),
        (false, _) => "full".to_owned(),
    }
}

/// Why no zone can be selected, if none can: the open one has no room, and is not full.
pub(super) fn no_room(zones: &[ZoneState]) -> Option<String> {
    let (at, zone) = zones.iter().enumerate().find(|(_, zone)| zone.open)?;
    let ZoneState { written, allocated, size, .. } = zone;
    (allocated == size).then(|| {
        format!(
            "Zone {at}, the open one, has no room and is not full: all of its {size} blocks were given to I/O, and {written} of them written"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(open: bool, written: u16, allocated: u16) -> ZoneState {
        ZoneState { open, written, allocated, size: 2 }
    }

    #[test]
    fn zones_that_are_alike_are_told_together() {
        let zones = [zone(false, 2, 2), zone(true, 1, 2), zone(false, 0, 0), zone(false, 0, 0)];
        assert_eq!(all(&zones), "0 full; 1 open, 1 of 2 blocks written, 2 given to I/O; 2-3 empty");
        let why = no_room(&zones).unwrap();
        assert!(why.starts_with("Zone 1, the open one, has no room and is not full"), "{why}");
        assert_eq!(no_room(&[zone(true, 1, 1)]), None);
        assert_eq!(no_room(&[zone(false, 2, 2), zone(false, 0, 0)]), None);
    }
}
