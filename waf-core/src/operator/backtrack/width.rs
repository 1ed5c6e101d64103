//! What can be told of a part before it runs: how long it is, and how it begins.

use super::program::{Node, Place};
use crate::bytes::ByteSet;

impl Node {
    /// The bytes it matches, where they are always as many. Look-behind steps back by them.
    pub(super) fn width(&self) -> Option<usize> {
        match self {
            Self::Set(_) => Some(1),
            Self::Place(_) | Self::Keep | Self::Around { .. } => Some(0),
            Self::Reference { .. } => None,
            Self::Group { inner, .. } | Self::Atomic(inner) => inner.width(),
            Self::Repeat { least, most, inner, .. } => {
                let count = usize::try_from(*least).ok().filter(|_| *most == Some(*least))?;
                inner.width()?.checked_mul(count)
            }
            Self::Concat(parts) => {
                parts.iter().try_fold(0_usize, |sum, part| sum.checked_add(part.width()?))
            }
            Self::Alternation(parts) => {
                let width = parts.first()?.width()?;
                parts.iter().all(|part| part.width() == Some(width)).then_some(width)
            }
        }
    }

    /// Whether it may match no bytes.
    pub(super) fn may_be_empty(&self) -> bool {
        match self {
            Self::Set(_) => false,
            Self::Place(_) | Self::Keep | Self::Around { .. } | Self::Reference { .. } => true,
            Self::Group { inner, .. } | Self::Atomic(inner) => inner.may_be_empty(),
            Self::Repeat { least, inner, .. } => *least == 0 || inner.may_be_empty(),
            Self::Concat(parts) => parts.iter().all(Self::may_be_empty),
            Self::Alternation(parts) => parts.iter().any(Self::may_be_empty),
        }
    }

    /// The bytes that it may begin with, where it begins with any.
    pub(super) fn first(&self) -> ByteSet {
        match self {
            Self::Set(set) => *set,
            Self::Place(_) | Self::Keep | Self::Around { .. } => ByteSet::EMPTY,
            Self::Reference { .. } => ByteSet::ALL,
            Self::Group { inner, .. } | Self::Atomic(inner) => inner.first(),
            Self::Repeat { most: Some(0), .. } => ByteSet::EMPTY,
            Self::Repeat { inner, .. } => inner.first(),
            Self::Concat(parts) => {
                let empty = parts.iter().take_while(|part| part.may_be_empty()).count();
                let begins = parts.iter().take(empty + 1);
                begins.fold(ByteSet::EMPTY, |set, part| set.union(part.first()))
            }
            Self::Alternation(parts) => {
                parts.iter().fold(ByteSet::EMPTY, |set, part| set.union(part.first()))
            }
        }
    }

    /// Whether it matches at the start of the value only.
    pub(super) fn is_anchored(&self) -> bool {
        match self {
            Self::Place(place) => *place == Place::Start,
            Self::Group { inner, .. } | Self::Atomic(inner) => inner.is_anchored(),
            Self::Concat(parts) => parts.first().is_some_and(Self::is_anchored),
            Self::Alternation(parts) => parts.iter().all(Self::is_anchored),
            _ => false,
        }
    }
}
