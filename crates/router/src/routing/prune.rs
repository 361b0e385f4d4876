//! Which paths may be worth a part of the amount.

use super::path::Path;
use super::two_hop::Intermediate;
use std::cmp::Reverse;

/// Paths are compared at this part of the amount: what is best for all of it is known already.
const PROBE_PART: u64 = 16;

/// Most paths through one pool, for each of the two amounts.
const DIRECT_MAX: usize = 5;

/// Most paths through two, likewise.
const TWO_HOP_MAX: usize = 5;

/// The best paths for the whole amount and for a small part of it, of those whose transaction `fits`. `through` are
/// those for the whole through each intermediate token, best first.
pub(super) fn prune<'a>(
    direct: &[Path<'a>],
    through: &[Vec<Path<'a>>],
    intermediates: &[Intermediate<'a>],
    amount: u64,
    fits: impl Fn(&Path<'a>) -> bool,
) -> Vec<Path<'a>> {
    let part = (amount / PROBE_PART).max(1);
    let mut kept: Vec<Path<'a>> = Vec::new();
    let mut keep = |best: Vec<Path<'a>>| {
        for path in best {
            if !kept.iter().any(|known| known.pools().eq(path.pools())) {
                kept.push(path);
            }
        }
    };
    let direct = || direct.iter().copied();
    keep(ranked(direct(), amount).take(DIRECT_MAX).collect());
    keep(ranked(direct(), part).take(DIRECT_MAX).collect());
    let of_part = intermediates.iter().flat_map(|intermediate| intermediate.ranked(part));
    keep(ranked(through.iter().flatten().copied(), amount).filter(&fits).take(TWO_HOP_MAX).collect());
    keep(ranked(of_part, part).filter(&fits).take(TWO_HOP_MAX).collect());
    kept
}

/// The paths, those that give the most for the amount first.
fn ranked<'a>(paths: impl Iterator<Item = Path<'a>>, amount: u64) -> impl Iterator<Item = Path<'a>> {
    let mut ranked: Vec<(u64, Path<'a>)> = paths.map(|path| (path.output(amount), path)).collect();
    ranked.sort_by_key(|(output, _)| Reverse(*output));
    ranked.into_iter().map(|(_, path)| path)
}
