//! Figures over time as a picture (SVG in the page, without style or script), and as a table for those who
//! do not see it. Sizes are in the picture's own units.

use std::fmt::Write;

use maud::{Markup, html};

use super::parts::{table, time};

const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 170.0;
/// Room at the left for the scale, at the top, and at the bottom for times.
const LEFT: f64 = 52.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 24.0;
/// Looks of curves: colours, and with each further round another dash.
const COLOURS: usize = 6;
const DASHES: usize = 4;

/// How values are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// What happened in each step.
    Bars,
    /// How it stood.
    Curves,
}

/// Values by step.
#[derive(Debug)]
pub(super) struct Curve {
    pub(super) name: String,
    /// None: there is none for this step.
    pub(super) values: Vec<Option<f64>>,
}

/// A picture of some curves over the same steps.
#[derive(Debug)]
pub(super) struct Plot {
    pub(super) id: &'static str,
    pub(super) title: String,
    /// Epoch milliseconds of each step's beginning.
    pub(super) times: Vec<i64>,
    pub(super) kind: Kind,
    pub(super) curves: Vec<Curve>,
}

impl Plot {
    pub(super) fn draw(&self) -> Markup {
        let Self { title, times, curves, .. } = self;
        let has_values = curves.iter().flat_map(|curve| &curve.values).any(Option::is_some);
        html! {
            figure {
                figcaption { (title) }
                @if !has_values || times.is_empty() {
                    p.empty { "There is nothing to show for this time." }
                } @else {
                    (self.picture())
                    details {
                        summary { "Show as a table" span.hidden { ": " (title) } }
                        (self.table())
                    }
                }
                @if curves.len() > 1 {
                    p.hint {
                        @for (at, curve) in curves.iter().enumerate() {
                            svg class="key" viewBox="0 0 24 8" width="24" height="8" aria-hidden="true" {
                                path class=(look(at)) d="M0 4H24" {}
                            }
                            " " (curve.name) " "
                        }
                    }
                }
            }
        }
    }

    fn picture(&self) -> Markup {
        let top = scale(self.highest());
        let (first, last) = (self.times.first().copied(), self.times.last().copied());
        let baseline = HEIGHT - BOTTOM;
        let title_id = format!("plot-{}", self.id);
        html! {
            svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-labelledby=(title_id) {
                title id=(title_id) { (self.title) ". " (self.summary()) }
                path.axis fill="none" d={ "M" (LEFT) " " (TOP) "V" (baseline) "H" (WIDTH) } {}
                text x=(LEFT - 6.0) y=(TOP + 10.0) text-anchor="end" { (number(top)) }
                text x=(LEFT - 6.0) y=(baseline) text-anchor="end" { "0" }
                @if let (Some(first), Some(last)) = (first, last) {
                    text x=(LEFT) y=(HEIGHT - 6.0) { (clock(first)) }
                    text x=(WIDTH - 4.0) y=(HEIGHT - 6.0) text-anchor="end" { (clock(last)) }
                }
                @match self.kind {
                    Kind::Bars => @for curve in &self.curves { path.bar d=(self.bars(curve, top)) {} },
                    Kind::Curves => @for (at, curve) in self.curves.iter().enumerate() {
                        path class=(look(at)) d=(self.line(curve, top)) {}
                    },
                }
            }
        }
    }

    /// The highest and the last value, for those who hear the picture.
    fn summary(&self) -> String {
        let mut said = String::new();
        for curve in self.curves.iter().take(COLOURS) {
            let values = || curve.values.iter().flatten().copied();
            let Some(last) = values().next_back() else { continue };
            let most = values().fold(0.0, f64::max);
            let total = if self.kind == Kind::Bars {
                format!(", {} in all", number(values().sum()))
            } else {
                String::new()
            };
            // Writing to a string cannot fail.
            let _ = write!(said, "{}: at most {}, last {}{total}. ", curve.name, number(most), number(last));
        }
        said
    }

    fn table(&self) -> Markup {
        let mut columns = vec!["Time"];
        columns.extend(self.curves.iter().map(|curve| curve.name.as_str()));
        let rows: Vec<Vec<Markup>> = self
            .times
            .iter()
            .enumerate()
            .rev()
            .map(|(at, at_ms)| {
                let mut row = vec![time(*at_ms)];
                row.extend(self.curves.iter().map(|curve| {
                    let value = curve.values.get(at).copied().flatten();
                    html! { @if let Some(value) = value { (number(value)) } @else { span.none { "none" } } }
                }));
                row
            })
            .collect();
        table(&self.title, &columns, &rows)
    }

    fn highest(&self) -> f64 {
        self.curves.iter().flat_map(|curve| &curve.values).flatten().copied().fold(0.0, f64::max)
    }

    #[expect(clippy::cast_precision_loss, reason = "there are at most a thousand steps")]
    fn step(&self) -> f64 {
        (WIDTH - LEFT) / self.times.len().max(1) as f64
    }

    /// Left end of a step.
    #[expect(clippy::cast_precision_loss, reason = "there are at most a thousand steps")]
    fn x(&self, at: usize) -> f64 {
        LEFT + self.step() * at as f64
    }

    fn bars(&self, curve: &Curve, top: f64) -> String {
        let width = (self.step() * 0.8).max(0.5);
        let mut path = String::new();
        for (at, value) in curve.values.iter().enumerate() {
            let Some(value) = value.filter(|value| *value > 0.0) else { continue };
            let height = (HEIGHT - BOTTOM - TOP) * (value / top);
            let (x, baseline) = (self.x(at) + self.step() * 0.1, HEIGHT - BOTTOM);
            let _ = write!(path, "M{x:.1} {baseline}v-{height:.1}h{width:.1}v{height:.1}z");
        }
        path
    }

    /// Broken where there is no value; a value alone is a point.
    fn line(&self, curve: &Curve, top: f64) -> String {
        let mut path = String::new();
        let mut is_on = false;
        for (at, value) in curve.values.iter().enumerate() {
            let Some(value) = value else {
                is_on = false;
                continue;
            };
            let x = self.x(at) + self.step() * 0.5;
            let y = HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * (value / top);
            let _ = if is_on { write!(path, "L{x:.1} {y:.1}") } else { write!(path, "M{x:.1} {y:.1}h0.5") };
            is_on = true;
        }
        path
    }
}

fn look(at: usize) -> String {
    format!("curve c{} d{}", at % COLOURS, at / COLOURS % DASHES)
}

/// The round number above: 1, 2 or 5 with zeros.
fn scale(highest: f64) -> f64 {
    if !highest.is_finite() || highest <= 1.0 {
        return 1.0;
    }
    let power = 10_f64.powf(highest.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|step| step * power).find(|top| *top >= highest).unwrap_or(highest)
}

fn number(value: f64) -> String {
    if value >= 1_000_000.0 {
        format!("{:.1}M", value / 1_000_000.0)
    } else if value >= 10_000.0 {
        format!("{:.0}k", value / 1_000.0)
    } else if (value - value.round()).abs() < 0.05 {
        format!("{value:.0}")
    } else {
        format!("{value:.1}")
    }
}

fn clock(at_ms: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(at_ms);
    at.map_or_else(|_| at_ms.to_string(), |at| at.strftime("%d %b %H:%M").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(kind: Kind, values: &[Option<f64>]) -> Plot {
        let times =
            (0..values.len()).map(|at| 1_795_593_600_000 + 60_000 * i64::try_from(at).unwrap()).collect();
        let curve = Curve { name: "<b>warehouse</b>".to_owned(), values: values.to_vec() };
        Plot { id: "events", title: "Events".to_owned(), times, kind, curves: vec![curve] }
    }

    #[test]
    fn a_picture_has_a_name_a_summary_and_a_table_and_no_style() {
        let drawn = plot(Kind::Bars, &[Some(3.0), None, Some(12.0)]).draw().into_string();
        assert!(drawn.contains("role=\"img\" aria-labelledby=\"plot-events\""), "{drawn}");
        assert!(drawn.contains("at most 12, last 12, 15 in all"), "{drawn}");
        assert_eq!(drawn.matches("<tr>").count(), 4);
        assert!(!drawn.contains("style") && !drawn.contains("<b>warehouse"), "{drawn}");
    }

    #[test]
    fn a_curve_is_broken_where_there_is_no_value() {
        let plot = plot(Kind::Curves, &[Some(1.0), Some(2.0), None, Some(1.0)]);
        assert_eq!(plot.line(&plot.curves[0], 2.0).matches('M').count(), 2);
        assert!(!plot.draw().into_string().contains("NaN"));
    }

    #[test]
    fn without_values_it_says_so() {
        for values in [&[][..], &[None, None]] {
            assert!(plot(Kind::Curves, values).draw().into_string().contains("nothing to show"));
        }
    }

    #[test]
    fn the_scale_ends_at_a_round_number() {
        for (highest, top) in
            [(0.0, 1.0), (1.0, 1.0), (3.0, 5.0), (11.0, 20.0), (999.0, 1_000.0), (f64::NAN, 1.0)]
        {
            assert!((scale(highest) - top).abs() < 1e-9, "{highest}");
        }
    }
}
