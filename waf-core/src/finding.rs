//! What a parser, a limit or the proxy found wrong with a request: the closed list of findings.
//!
//! A finding is a fact like a signature's hit. Its severity, action and text come from the rule in
//! `rules/protocol/` that names it; what is fixed here is how it may be answered.

use std::fmt;

/// Who answered a request, as told by a record's `source`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Origin {
    /// A rule, or our own policy.
    Waf,
    /// The request was malformed.
    Protocol,
    /// A limit was passed.
    Size,
}

macro_rules! findings {
    ($( $(#[doc = $doc:literal])* $variant:ident = $id:literal, $status:literal, $origin:ident; )*) => {
        /// Something wrong with a request that is not a matter of a pattern.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Finding {
            $( $(#[doc = $doc])* $variant, )*
        }

        impl Finding {
            /// Every finding, in the order of the list.
            pub const ALL: &'static [Finding] = &[$( Finding::$variant, )*];

            /// The rule id, as in `rules/protocol/` and in records.
            pub fn id(self) -> &'static str {
                match self { $( Finding::$variant => $id, )* }
            }

            /// The status that answers it when it blocks.
            pub fn status(self) -> u16 {
                match self { $( Finding::$variant => $status, )* }
            }

            /// Who answered, for the record.
            pub fn origin(self) -> Origin {
                match self { $( Finding::$variant => Origin::$origin, )* }
            }
        }
    };
}

findings! {
    /// Framing that back ends read differently.
    ProtocolFraming = "protocol-framing", 400, Protocol;
    /// The head is not HTTP.
    ProtocolHead = "protocol-head", 400, Protocol;
    /// No Host, or an odd one.
    ProtocolHost = "protocol-host", 400, Protocol;
    /// Several Hosts, or a target that names another.
    ProtocolHostConflict = "protocol-host-conflict", 400, Protocol;
    /// Raw `< > "`, blanks, 8-bit bytes, `\` or `#` in the target.
    ProtocolTargetCharacters = "protocol-target-characters", 403, Protocol;
    /// NUL or control bytes in the target.
    ProtocolTargetControl = "protocol-target-control", 400, Protocol;
    /// A path that servers resolve differently.
    ProtocolPathAmbiguous = "protocol-path-ambiguous", 403, Protocol;
    /// A method outside the list.
    ProtocolMethod = "protocol-method", 405, Protocol;
    /// CONNECT or TRACE.
    ProtocolMethodForbidden = "protocol-method-forbidden", 405, Protocol;
    /// A body with GET or HEAD.
    ProtocolBodyUnexpected = "protocol-body-unexpected", 403, Protocol;
    /// An `Expect` other than `100-continue`.
    ProtocolExpect = "protocol-expect", 417, Protocol;
    /// Header lines that make a hop and the origin disagree.
    ProtocolHeaderTrick = "protocol-header-trick", 403, Protocol;
    /// An upgrade that the route does not allow.
    ProtocolUpgrade = "protocol-upgrade", 403, Protocol;
    /// A body encoding that cannot be inspected.
    ProtocolContentEncoding = "protocol-content-encoding", 415, Protocol;
    /// A body without Content-Type.
    ProtocolContentTypeMissing = "protocol-content-type-missing", 403, Protocol;
    /// Two Content-Types, or a repeated parameter.
    ProtocolContentTypeConflict = "protocol-content-type-conflict", 400, Protocol;
    /// A charset that hides ASCII.
    ProtocolCharset = "protocol-charset", 415, Protocol;
    /// Compressed data that does not decode.
    ParseEncoding = "parse-encoding", 400, Protocol;
    /// Invalid JSON.
    ParseJson = "parse-json", 400, Protocol;
    /// The same key twice in one JSON object.
    ParseJsonDuplicateKey = "parse-json-duplicate-key", 403, Protocol;
    /// Malformed XML.
    ParseXml = "parse-xml", 400, Protocol;
    /// A document type declaration.
    ParseXmlDtd = "parse-xml-dtd", 403, Protocol;
    /// Broken multipart.
    ParseMultipart = "parse-multipart", 400, Protocol;
    /// Multipart in multipart, or a multipart type other than form-data.
    ParseMultipartNested = "parse-multipart-nested", 403, Protocol;
    /// A `%` that starts no escape, in a query or form.
    ParseUrlencoded = "parse-urlencoded", 403, Protocol;
    /// More fields than `limits.fields`.
    LimitFields = "limit-fields", 403, Size;
    /// Deeper than `limits.depth`.
    LimitDepth = "limit-depth", 403, Size;
    /// A name longer than `limits.field_name`.
    LimitName = "limit-name", 403, Size;
    /// More parts than `limits.parts`, or part headers over `limits.part_headers`.
    LimitParts = "limit-parts", 403, Size;
    /// A fixed table is full.
    LimitTables = "limit-tables", 403, Size;
    /// Something that could not be inspected exactly, where the operator wants no such request.
    LimitPartial = "limit-partial", 413, Size;
    /// A compressed body that grows like a bomb.
    LimitInflate = "limit-inflate", 413, Size;
    /// Too many header lines, or too long.
    LimitHeaders = "limit-headers", 431, Size;
    /// A target longer than `limits.url`.
    LimitUrl = "limit-url", 414, Size;
    /// A body longer than `limits.body`.
    LimitBody = "limit-body", 413, Size;
    /// A head or body that comes too slowly.
    LimitTime = "limit-time", 408, Size;
    /// A bug of ours: the engine stopped on this request.
    EngineError = "engine-error", 503, Waf;
}

impl Finding {
    /// Refused in every mode, detection-only too, because it cannot be forwarded safely
    /// (marked H in the documentation of `rules/protocol/`).
    pub fn always_refused(self) -> bool {
        matches!(
            self,
            Self::ProtocolFraming
                | Self::ProtocolHead
                | Self::ProtocolHostConflict
                | Self::ProtocolMethodForbidden
                | Self::ProtocolExpect
                | Self::LimitHeaders
                | Self::LimitUrl
                | Self::LimitTime
        )
    }

    /// The finding with this rule id.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|finding| finding.id() == id)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}
