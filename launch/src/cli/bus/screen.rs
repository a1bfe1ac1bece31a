//! The monitor on a terminal.

use std::time::Duration;

use anyhow::Context as _;
use ratatui::crossterm::event::{Event, KeyCode, KeyEventKind, KeyModifiers, poll, read};
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph, Row, Table};
use ratatui::{DefaultTerminal, Frame};

use super::joint_lines::{COUNTS, JointLine, joint_lines};
use crate::bus_tools::reading::{BusState, Reading, Snapshot};
use stack::realtime::monotonic;

/// Interval between two pictures.
const PICTURE: Duration = Duration::from_millis(200);
/// Time over which rates are taken, in pictures.
const RATE_PICTURES: usize = 5;
/// Bars of a histogram, lowest first.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Shows the monitor until `q`, Ctrl-C, or it is over. The terminal is as it was afterwards, after a panic too.
pub(super) fn show(reading: &Reading, is_over: &dyn Fn() -> bool) -> anyhow::Result<()> {
    // Its panic hook restores the terminal before the panic is printed.
    let mut terminal = ratatui::try_init().context("the terminal cannot be used for a table")?;
    let shown = pictures(&mut terminal, reading, is_over);
    let restored = ratatui::try_restore().context("the terminal cannot be restored: type `reset`");
    shown.and(restored)
}

fn pictures(
    terminal: &mut DefaultTerminal,
    reading: &Reading,
    is_over: &dyn Fn() -> bool,
) -> anyhow::Result<()> {
    let mut past = std::collections::VecDeque::from([(monotonic(), reading.latest())]);
    let (mut pictures, mut intruders) = (0, None);
    while !is_over() {
        if pictures % RATE_PICTURES == 0 {
            intruders = reading.intruders();
        }
        pictures += 1;
        let now = (monotonic(), reading.latest());
        let before = past.front().unwrap_or(&now);
        let lines = joint_lines(reading, before, &now);
        terminal.draw(|frame| draw(frame, &reading.robot, &lines, &now.1, intruders.as_deref()))?;
        past.push_back(now);
        if past.len() > RATE_PICTURES {
            past.pop_front();
        }
        if poll(PICTURE)? && wants_to_quit(&read()?) {
            return Ok(());
        }
    }
    Ok(())
}

/// In raw mode Ctrl-C is a key like others.
fn wants_to_quit(event: &Event) -> bool {
    let Event::Key(key) = event else { return false };
    let ctrl_c = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
    key.kind != KeyEventKind::Release && (ctrl_c || matches!(key.code, KeyCode::Char('q') | KeyCode::Esc))
}

fn draw(
    frame: &mut Frame<'_>,
    robot: &str,
    lines: &[JointLine],
    snapshot: &Snapshot,
    intruders: Option<&str>,
) {
    let faults: Vec<Line<'_>> = faults(lines, intruders);
    let heights = [
        Constraint::Length(lines.len() as u16 + 3),
        Constraint::Length(snapshot.buses.len() as u16 + 2),
        Constraint::Min(faults.len() as u16),
        Constraint::Length(1),
    ];
    let [joints_area, buses_area, faults_area, keys_area] = Layout::vertical(heights).areas(frame.area());
    let title = format!(" {robot}: motors are only read, {} cycles ", snapshot.cycles);
    frame.render_widget(joints(lines).block(Block::bordered().title(title)), joints_area);
    let buses: Vec<Line<'_>> =
        snapshot.buses.iter().enumerate().map(|(bus, state)| bus_line(bus, state)).collect();
    let title = " round trip of an answer, us ";
    frame.render_widget(Paragraph::new(buses).block(Block::bordered().title(title)), buses_area);
    frame.render_widget(Paragraph::new(faults), faults_area);
    frame.render_widget(Paragraph::new("q quits"), keys_area);
}

fn joints(lines: &[JointLine]) -> Table<'static> {
    let mut head = vec!["joint", "bus", "id", "Hz"];
    head.extend(COUNTS);
    head.extend(["rad", "rad/s", "N m", "C"]);
    let row = |line: &JointLine| {
        let mut cells = vec![
            line.name.trim_end_matches("_joint").to_owned(),
            line.bus.to_string(),
            line.id.to_string(),
            format!("{:.0}", line.rate_hz),
        ];
        cells.extend(line.counts.map(|count| count.to_string()));
        cells.extend(match line.measured {
            None => [(); 4].map(|()| "-".to_owned()),
            Some([q, dq, tau, c]) => {
                [format!("{q:.3}"), format!("{dq:.2}"), format!("{tau:.2}"), format!("{c:.0}")]
            }
        });
        let style = if line.fault.is_some() || line.measured.is_none() {
            Style::new().fg(Color::Red)
        } else if line.rate_hz == 0.0 {
            Style::new().fg(Color::Yellow)
        } else {
            Style::new()
        };
        Row::new(cells).style(style)
    };
    let widths = head.iter().enumerate().map(|(at, name)| match at {
        0 => Constraint::Length(9),
        1..=3 => Constraint::Length(4),
        _ => Constraint::Length(name.len().max(7) as u16),
    });
    Table::new(lines.iter().map(row), widths.collect::<Vec<_>>())
        .header(Row::new(head).style(Style::new().add_modifier(Modifier::BOLD)))
}

fn bus_line(bus: usize, state: &BusState) -> Line<'static> {
    let us = |share| state.round_trip.quantile_nanos(share) as f64 / 1e3;
    let mut text = format!("bus {bus}  p50 {:6.0}  p99 {:6.0}  max {:6.0}  ", us(0.5), us(0.99), us(1.0));
    let counts = state.round_trip.shape();
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    // Every bucket that has anything shows.
    let bar = |count: u32| match count {
        0 => ' ',
        count => BARS[((u64::from(count) * BARS.len() as u64).div_ceil(u64::from(most)) as usize - 1).min(7)],
    };
    text.extend(counts.iter().map(|count| bar(*count)));
    text += &format!("  echoes {}  stray bytes {}", state.counts.echoes, state.counts.stray_bytes);
    match state.last_failure {
        None => Line::from(text),
        Some(failure) => Line::from(vec![
            Span::raw(text),
            Span::styled(format!("  {failure}"), Style::new().fg(Color::Red)),
        ]),
    }
}

fn faults(lines: &[JointLine], intruders: Option<&str>) -> Vec<Line<'static>> {
    let texts = lines.iter().filter_map(|line| line.fault.map(|fault| format!("{}: {fault}", line.name)));
    intruders
        .map(str::to_owned)
        .into_iter()
        .chain(texts)
        .map(|text| Line::styled(text, Style::new().fg(Color::Red)))
        .collect()
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use ratatui::crossterm::event::KeyEvent;

    use super::*;
    use crate::bus_tools::ports::Buses;

    #[test]
    fn the_picture_has_every_joint_and_every_bus() {
        let period_nanos = 50_000_000;
        let buses = Buses::virtual_of("go2-serial", period_nanos).expect("a virtual robot");
        let reading = Reading::start(buses, period_nanos).expect("a thread");
        let before = (monotonic(), reading.latest());
        while reading.latest().cycles < 3 {
            std::thread::sleep(Duration::from_millis(5));
        }
        let after = (monotonic(), reading.latest());
        let lines = joint_lines(&reading, &before, &after);
        let mut terminal = Terminal::new(TestBackend::new(140, 30)).expect("a screen");
        let intruders = Some("`cat` (process 12) has opened a motor port");
        terminal.draw(|frame| draw(frame, &reading.robot, &lines, &after.1, intruders)).expect("drawn");
        let picture = terminal.backend().to_string();
        for word in [
            "FL_hip",
            "RR_calf",
            "bus 3",
            "p99",
            "q quits",
            "Go2 with serial motors",
            "answered",
            "foreign",
            "process 12",
        ] {
            assert!(picture.contains(word), "{word}: {picture}");
        }
    }

    #[test]
    fn q_escape_and_ctrl_c_quit_and_nothing_else_does() {
        let key = |code, modifiers| Event::Key(KeyEvent::new(code, modifiers));
        assert!(wants_to_quit(&key(KeyCode::Char('q'), KeyModifiers::NONE)));
        assert!(wants_to_quit(&key(KeyCode::Esc, KeyModifiers::NONE)));
        assert!(wants_to_quit(&key(KeyCode::Char('c'), KeyModifiers::CONTROL)));
        assert!(!wants_to_quit(&key(KeyCode::Char('c'), KeyModifiers::NONE)));
        assert!(!wants_to_quit(&Event::Resize(80, 25)));
    }
}
