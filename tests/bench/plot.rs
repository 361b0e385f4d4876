//! The measurements as pictures.

use crate::report::Figures;
use crate::usage::Kind;
use anyhow::{Context as _, Result, anyhow};
use plotters::prelude::*;
use std::path::Path;

const SIZE: (u32, u32) = (960, 540);

/// Draws throughput against latency: a point for each load, a line for each series and build.
pub(crate) fn latency(rows: &[Figures], path: &Path) -> Result<()> {
    let timed: Vec<_> = rows.iter().filter(|row| row.latency_us.is_some()).collect();
    let most = |value: fn(&Figures) -> u64| timed.iter().map(|row| value(row)).max().unwrap_or(1).max(1);
    let (fastest, slowest) = (most(|row| row.per_second), most(p99));
    let area = SVGBackend::new(path, SIZE).into_drawing_area();
    area.fill(&WHITE).map_err(failed)?;
    let mut chart = ChartBuilder::on(&area)
        .caption("Throughput and latency", ("sans-serif", 22))
        .margin(16)
        .x_label_area_size(44)
        .y_label_area_size(80)
        .build_cartesian_2d((1..fastest * 2).log_scale(), (100..slowest * 2).log_scale())
        .map_err(failed)?;
    chart.configure_mesh().x_desc("per second").y_desc("p99 in microseconds").draw().map_err(failed)?;
    for (place, (name, points)) in lines(&timed).into_iter().enumerate() {
        let color = Palette99::pick(place).mix(1.0);
        let line = points.iter().map(|row| (row.per_second.max(1), p99(row)));
        chart
            .draw_series(LineSeries::new(line.clone(), color.stroke_width(2)).point_size(4))
            .map_err(failed)?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], color.stroke_width(2)));
    }
    let labels = &mut chart.configure_series_labels();
    let labels = labels.position(SeriesLabelPosition::LowerLeft).background_style(WHITE).border_style(BLACK);
    labels.draw().map_err(failed)?;
    area.present().map_err(failed).with_context(|| format!("writing {}", path.display()))
}

/// Draws the processor time of each kind of process: a bar for each load.
pub(crate) fn processor(rows: &[Figures], path: &Path) -> Result<()> {
    let timed: Vec<_> = rows.iter().filter(|row| row.count > 0).collect();
    let most = timed.iter().map(|row| row.processor_us.values().sum::<u64>()).max().unwrap_or(1).max(1);
    let height = SIZE.1.max(u32::try_from(timed.len())?.saturating_mul(28).saturating_add(120));
    let area = SVGBackend::new(path, (SIZE.0, height)).into_drawing_area();
    area.fill(&WHITE).map_err(failed)?;
    let names: Vec<String> =
        timed.iter().map(|row| format!("{} {}: {}", row.build, row.series, row.setting)).collect();
    let mut chart = ChartBuilder::on(&area)
        .caption("Processor time by process", ("sans-serif", 22))
        .margin(16)
        .x_label_area_size(44)
        .y_label_area_size(320)
        .build_cartesian_2d(0..most + most / 20, (0..timed.len()).into_segmented())
        .map_err(failed)?;
    let name = |place: &SegmentValue<usize>| match place {
        SegmentValue::CenterOf(place) => names.get(*place).cloned().unwrap_or_default(),
        SegmentValue::Exact(_) | SegmentValue::Last => String::new(),
    };
    chart
        .configure_mesh()
        .disable_y_mesh()
        .x_desc("microseconds for each order, quote or event")
        .y_labels(timed.len())
        .y_label_formatter(&name)
        .draw()
        .map_err(failed)?;
    for (place, kind) in Kind::ALL.into_iter().enumerate() {
        let color = Palette99::pick(place).mix(1.0);
        let bars = timed.iter().enumerate().map(|(bar, row)| {
            let before: u64 = row.processor_us.range(..kind).map(|(_, time)| time).sum();
            let own = row.processor_us.get(&kind).copied().unwrap_or_default();
            let ends = [(before, SegmentValue::Exact(bar)), (before + own, SegmentValue::Exact(bar + 1))];
            let mut rectangle = Rectangle::new(ends, color.filled());
            rectangle.set_margin(3, 3, 0, 0);
            rectangle
        });
        chart
            .draw_series(bars)
            .map_err(failed)?
            .label(kind.name())
            .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 12, y + 5)], color.filled()));
    }
    chart.configure_series_labels().background_style(WHITE).border_style(BLACK).draw().map_err(failed)?;
    area.present().map_err(failed).with_context(|| format!("writing {}", path.display()))
}

/// The points of each series and build, by throughput.
fn lines<'a>(timed: &[&'a Figures]) -> Vec<(String, Vec<&'a Figures>)> {
    let mut lines: Vec<(String, Vec<&Figures>)> = Vec::new();
    for row in timed {
        let name = format!("{} {}", row.build, row.series);
        match lines.iter_mut().find(|(known, _)| *known == name) {
            Some((_, points)) => points.push(row),
            None => lines.push((name, vec![row])),
        }
    }
    lines
}

fn p99(row: &Figures) -> u64 {
    row.latency_us.map_or(1, |latency| latency.p99.max(1))
}

fn failed(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("drawing: {error}")
}
