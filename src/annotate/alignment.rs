//! Two schedules beside each other: which step of one is which step of the other.

use super::AnnotatedSchedule;

/// One row of two schedules laid side by side: the places of a step that both have, or of one that only one has.
pub type Pair = (Option<usize>, Option<usize>);

/// Pairs the steps of two schedules so that as many as possible are the same, in the order of both: a longest common
/// subsequence of who does what.
pub fn align(a: &AnnotatedSchedule, b: &AnnotatedSchedule) -> Vec<Pair> {
    let steps = |schedule: &AnnotatedSchedule| -> Vec<(String, String)> {
        let played = schedule.replay.played.iter();
        played.map(|played| (schedule.name(played.actor), played.op.clone())).collect()
    };
    pair(&steps(a), &steps(b))
}

fn pair<T: PartialEq>(a: &[T], b: &[T]) -> Vec<Pair> {
    // For each pair of suffixes the length of what they have in common.
    let mut common = vec![vec![0_usize; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            common[i][j] =
                if a[i] == b[j] { common[i + 1][j + 1] + 1 } else { common[i + 1][j].max(common[i][j + 1]) };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut pairs = Vec::new();
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            pairs.push((Some(i), Some(j)));
            (i, j) = (i + 1, j + 1);
        } else if j == b.len() || i < a.len() && common[i + 1][j] >= common[i][j + 1] {
            pairs.push((Some(i), None));
            i += 1;
        } else {
            pairs.push((None, Some(j)));
            j += 1;
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_both_have_is_paired() {
        let pairs = pair(&["a", "b", "d"], &["a", "c", "d", "e"]);
        let expected =
            [(Some(0), Some(0)), (Some(1), None), (None, Some(1)), (Some(2), Some(2)), (None, Some(3))];
        assert_eq!(pairs, expected);
        assert_eq!(pair::<u8>(&[], &[]), []);
    }
}
