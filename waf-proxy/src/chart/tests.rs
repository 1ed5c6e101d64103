#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test should stop where it fails")]

use quick_xml::events::Event;
use quick_xml::reader::Reader;

use super::*;

const HOSTILE: &str = "\"'><script>alert(1)</script>&amp;<svg/onload=x>";

/// The names of the elements, the values of the attributes, and the texts.
fn read(markup: &str) -> (Vec<String>, Vec<String>, Vec<String>) {
    let (mut elements, mut attributes, mut texts) = (Vec::new(), Vec::new(), Vec::new());
    let mut reader = Reader::from_str(markup);
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) => {
                elements.push(String::from_utf8(start.name().as_ref().to_vec()).unwrap());
                let of =
                    start.attributes().map(|a| a.unwrap().unescape_value().unwrap().into_owned());
                attributes.extend(of);
            }
            Event::Text(text) => texts.push(text.unescape().unwrap().into_owned()),
            Event::End(_) => {}
            Event::Eof => return (elements, attributes, texts),
            other => panic!("{other:?}"),
        }
    }
}

fn axis(title: &str) -> Axis<'_> {
    Axis { title, unit: "%", from: 0.0, to: 100.0 }
}

fn lines(text: &str) -> String {
    let point = |x, y| Point { x, y, hover: text.into(), label: Some(text.into()) };
    let line = |name| Line {
        name,
        points: vec![point(0.0, 0.0), point(f64::NAN, 1.0), point(50.0, 100.0)],
    };
    let chart = Lines {
        title: text,
        description: text,
        x: axis(text),
        y: axis(text),
        lines: vec![line(text), line(text)],
        mark: Some(Mark { at: 50.0, text }),
    };
    chart.draw().into_string()
}

fn histogram(text: &str, values: &[f64], count: usize) -> String {
    let bucket = Bucket { label: text.into(), values: values.to_vec(), hover: text.into() };
    let chart = Histogram {
        title: text,
        description: text,
        x: text,
        y: axis(text),
        series: &[text, text],
        buckets: &vec![bucket; count],
        mark: Some(Mark { at: 1.0, text }),
    };
    chart.draw().into_string()
}

#[test]
fn hostile_text_stays_text() {
    const KNOWN: [&str; 8] = ["svg", "title", "desc", "path", "text", "g", "circle", "rect"];
    for drawn in [lines(HOSTILE), histogram(HOSTILE, &[1.0, 2.0], 3)] {
        let (elements, attributes, texts) = read(&drawn);
        assert!(elements.iter().all(|name| KNOWN.contains(&name.as_str())), "{elements:?}");
        assert!(attributes.contains(&HOSTILE.to_owned()), "the label of the image");
        assert!(texts.iter().filter(|text| *text == HOSTILE).count() >= 6, "{texts:?}");
    }
}

#[test]
fn points_stand_where_the_axes_say() {
    let drawn = lines("a");
    // Axes from 0 to 100: the plot is 568 wide from 56 on, 206 high above 250.
    assert!(drawn.contains("d=\"M56 250L340 44\""), "{drawn}");
    assert!(drawn.contains("cx=\"340\" cy=\"44\""), "{drawn}");
    assert!(drawn.contains("class=\"mark\" d=\"M340 44V250\""), "{drawn}");
}

#[test]
fn bars_stand_on_each_other_and_labels_have_room() {
    let drawn = histogram("label", &[25.0, f64::NAN, 75.0], 100);
    let heights = |class: &str| {
        let bars = drawn.split("<rect").filter(|bar| bar.contains(&format!("class=\"{class}\"")));
        bars.map(|bar| bar.split("height=\"").nth(1).unwrap().split('"').next().unwrap())
            .filter(|height| *height != "10")
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    // Of 206 for all of the axis.
    assert_eq!(heights("bar s1"), vec!["51.5"; 100]);
    assert_eq!(heights("bar s2"), vec!["0"; 100]);
    assert_eq!(heights("bar s3"), vec!["154.5"; 100]);
    let labels = read(&drawn).2.iter().filter(|text| *text == "label").count();
    // A bucket is 5.68 wide, a label of five characters 40: every eighth has one. Each has a
    // title; the picture has two, the axes two, the mark one, and the legend two.
    assert_eq!(labels, 100 + 13 + 7);
}

#[test]
fn a_long_name_in_a_legend_is_cut() {
    let bucket = Bucket { values: vec![1.0, 1.0], ..Bucket::default() };
    let chart = |series| Histogram {
        title: "t",
        description: "d",
        x: "x",
        y: axis("y"),
        series,
        buckets: std::slice::from_ref(&bucket),
        mark: None,
    };
    let long = "a".repeat(60);
    let texts = read(&chart(&[&long, "short"]).draw().into_string()).2;
    // Of 284 for each name 36 go to the sign: 36 characters.
    assert!(texts.contains(&format!("{}…", "a".repeat(35))), "{texts:?}");
    assert!(texts.contains(&"short".to_owned()));
}

#[test]
fn nothing_is_drawn_of_nothing() {
    let chart = Lines {
        title: "t",
        description: "d",
        x: axis("x"),
        y: axis("y"),
        lines: Vec::new(),
        mark: None,
    };
    assert!(!read(&chart.draw().into_string()).0.contains(&"circle".to_owned()));
    assert!(!histogram("a", &[], 0).contains("NaN"));
}

#[test]
fn a_meter_is_as_long_as_its_share() {
    for (share, width) in [(0.0, "0"), (0.5, "50"), (2.0, "100"), (f64::NAN, "0")] {
        assert!(meter(share, 0).into_string().contains(&format!("class=\"s1\" width=\"{width}\"")));
    }
}
