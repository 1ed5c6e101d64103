//! Transformations.

use waf_core::rule::Transformation;
use waf_core::transform::{Transducer, max_growth, triggers};

use crate::cuts;

/// `data` through every transformation: the same in pieces, no longer than promised, left as it is
/// when nothing in it wakes the transformation, and as it is plainly written down where it can be.
pub fn check(data: &[u8]) {
    for &transformation in Transformation::ALL {
        let (output, changed) = cuts::same(data, |pieces| rewrite(transformation, pieces));
        let name = transformation.name();
        assert!(output.len() <= max_growth(transformation).bound(data.len()), "{name}");
        let set = triggers(transformation);
        if !data.iter().any(|&byte| set.contains(byte)) && !looks_at_the_whole(transformation) {
            assert!(output == data && !changed, "{name} woke by itself");
        }
        if let Some(expected) = plainly(transformation, data) {
            assert_eq!(output, expected, "{name}");
        }
    }
}

fn rewrite(transformation: Transformation, pieces: &[&[u8]]) -> (Vec<u8>, bool) {
    let mut transducer = Transducer::new(transformation);
    let mut output = Vec::new();
    pieces.iter().for_each(|piece| transducer.feed(piece, &mut output));
    transducer.finish(&mut output);
    (output, transducer.changed())
}

/// Those that report a change always, or make output of nothing.
fn looks_at_the_whole(transformation: Transformation) -> bool {
    use Transformation::{Base64Decode, CmdLine, HexEncode, Length, Sha1};
    matches!(transformation, Base64Decode | CmdLine | HexEncode | Length | Sha1)
}

fn plainly(transformation: Transformation, data: &[u8]) -> Option<Vec<u8>> {
    let without = |drop: &dyn Fn(u8) -> bool| data.iter().copied().filter(|&b| !drop(b)).collect();
    Some(match transformation {
        Transformation::Lowercase => data.to_ascii_lowercase(),
        Transformation::UrlDecode => crate::percent::decode_form(data).0,
        Transformation::RemoveNulls => without(&|byte| byte == 0),
        Transformation::Length => data.len().to_string().into_bytes(),
        Transformation::HexEncode => {
            data.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into_bytes()
        }
        _ => return None,
    })
}
