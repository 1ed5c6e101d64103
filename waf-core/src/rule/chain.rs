//! What a SecLang rule does: a chain of links that run in order, with effects on the state of the
//! transaction. YAML rules say what must hold ([`super::Expression`]); these say what happens when.

use super::{Operator, Selector, TargetKind, Transformation, Variable};
use crate::source::Span;

/// A rule's links and what follows when all of them match.
#[derive(Clone, Debug)]
pub struct Chain {
    /// The rule itself, then the links chained to it. Never empty.
    pub links: Vec<Link>,
    /// What a match does to the request; `block` is resolved by `SecDefaultAction`.
    pub disruptive: Disruptive,
    /// The status of a denial.
    pub status: Option<u16>,
    /// Where the phase goes on after a match: the ordinal, among the SecLang rules, of the first
    /// rule not skipped; beyond the last rule where nothing is left. `None`: with the next rule.
    pub skip_to: Option<u32>,
    /// Whether a match is told (`log`).
    pub log: bool,
    /// `msg`, expanded at the match.
    pub message: Option<Text>,
    /// `logdata`, expanded at the match.
    pub data: Option<Text>,
}

/// What a match does to the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disruptive {
    /// Nothing: the next rule is run.
    Pass,
    /// It is refused (`deny`, `drop`, `redirect`).
    Deny,
    /// Nothing more of it is looked at.
    Allow(Allow),
}

/// How far an `allow` reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allow {
    /// `allow`: every phase but logging.
    All,
    /// `allow:phase`: the rest of this phase.
    Phase,
    /// `allow:request`: the rest of the request phases.
    Request,
}

/// One link of a chain.
#[derive(Clone, Debug)]
pub struct Link {
    /// What is looked at, in the order written; empty: it always matches (`SecAction`).
    pub targets: Vec<LinkTarget>,
    /// What is done to a value first.
    pub transformations: Vec<Transformation>,
    /// What is asked of the value.
    pub operator: LinkOperator,
    /// The operator is true where it would be false (`!@…`).
    pub negated: bool,
    /// `capture`: `TX:0` to `TX:9` are set by a match.
    pub capture: bool,
    /// `multiMatch`: asked of the value before the first transformation, and after each that
    /// changed it.
    pub multi_match: bool,
    /// What each matching value does, in order.
    pub effects: Vec<Effect>,
    /// Where the operator was written.
    pub span: Span,
}

/// An entry of a link's variables.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LinkTarget {
    /// Looked at, taken away again, or counted. In SecLang an exclusion takes away what stands
    /// before it.
    pub kind: TargetKind,
    /// Where it looks.
    pub variable: LinkVariable,
    /// Which names.
    pub selector: Selector,
}

/// A variable of SecLang.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinkVariable {
    /// Fields of the request or the response.
    Fields(Variable),
    /// The transaction's own variables, `TX:0` to `TX:9` being captures.
    Tx,
    /// Something else of the transaction.
    State(State),
}

macro_rules! states {
    ($( $(#[doc = $doc:literal])* $variant:ident = $name:literal; )*) => {
        /// What a transaction knows of itself, beside fields and `TX`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum State {
            $( $(#[doc = $doc])* $variant, )*
        }

        impl State {
            /// Every one, in the order of the list.
            pub const ALL: &'static [State] = &[$( State::$variant, )*];

            /// The name in rules.
            pub fn name(self) -> &'static str {
                match self { $( State::$variant => $name, )* }
            }

            /// The one with this name, in any case.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|state| state.name().eq_ignore_ascii_case(name))
            }
        }
    };
}

states! {
    /// The value that matched last.
    MatchedVar = "MATCHED_VAR";
    /// Its name.
    MatchedVarName = "MATCHED_VAR_NAME";
    /// Every value that matched in this chain.
    MatchedVars = "MATCHED_VARS";
    /// Their names.
    MatchedVarsNames = "MATCHED_VARS_NAMES";
    /// The parser of the body: `URLENCODED`, `MULTIPART`, `JSON`, `XML`, or empty.
    ReqbodyProcessor = "REQBODY_PROCESSOR";
    /// 1 when the body could not be parsed.
    ReqbodyError = "REQBODY_ERROR";
    /// Why.
    ReqbodyErrorMsg = "REQBODY_ERROR_MSG";
    /// The same, older name.
    ReqbodyProcessorError = "REQBODY_PROCESSOR_ERROR";
    /// The same, older name.
    ReqbodyProcessorErrorMsg = "REQBODY_PROCESSOR_ERROR_MSG";
    /// 1 when something in a multipart body is not as it should be.
    MultipartStrictError = "MULTIPART_STRICT_ERROR";
    /// 1 when a line in a multipart body looks like a boundary and is none.
    MultipartUnmatchedBoundary = "MULTIPART_UNMATCHED_BOUNDARY";
    /// 1 when a form holds a bad escape.
    UrlencodedError = "URLENCODED_ERROR";
    /// 1 when the body is longer than the limit.
    InboundDataError = "INBOUND_DATA_ERROR";
    /// 1 when the response is longer than the limit.
    OutboundDataError = "OUTBOUND_DATA_ERROR";
    /// An id that no other request has.
    UniqueId = "UNIQUE_ID";
    /// Milliseconds since the request began.
    Duration = "DURATION";
    /// The query and body as a whole. Not kept: always absent.
    FullRequest = "FULL_REQUEST";
    /// Its length. Not kept: always absent.
    FullRequestLength = "FULL_REQUEST_LENGTH";
    /// What `geoLookup` found. There is no such database: always absent.
    Geo = "GEO";
    /// Kept between requests by address. Nothing is kept: always absent.
    Ip = "IP";
    /// Kept between requests. Nothing is kept: always absent.
    Global = "GLOBAL";
    /// Kept between requests of a session. Nothing is kept: always absent.
    Session = "SESSION";
    /// Kept between requests of a user. Nothing is kept: always absent.
    User = "USER";
    /// Kept between requests of a resource. Nothing is kept: always absent.
    Resource = "RESOURCE";
    /// The environment of the process. Never shown to rules: always absent.
    Env = "ENV";
    /// The host of the request, without the port.
    ServerName = "SERVER_NAME";
    /// Not known to the engine: always absent.
    ServerAddr = "SERVER_ADDR";
    /// Not known to the engine: always absent.
    ServerPort = "SERVER_PORT";
    /// Not known to the engine: always absent.
    RemotePort = "REMOTE_PORT";
    /// Not looked up: always absent.
    RemoteHost = "REMOTE_HOST";
    /// Not known to the engine: always absent.
    RemoteUser = "REMOTE_USER";
    /// Not known to the engine: always absent.
    AuthType = "AUTH_TYPE";
    /// The response's `Content-Type`.
    ResponseContentType = "RESPONSE_CONTENT_TYPE";
    /// The response's `Content-Length`.
    ResponseContentLength = "RESPONSE_CONTENT_LENGTH";
    /// The response's version. Not known to the engine: always absent.
    ResponseProtocol = "RESPONSE_PROTOCOL";
    /// Seconds since 1970.
    TimeEpoch = "TIME_EPOCH";
}

/// What is asked of a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LinkOperator {
    /// True (`unconditionalMatch`).
    Always,
    /// False (`rbl`, `geoLookup`: there is nothing to ask).
    Never,
    /// An operator whose argument is known.
    Fixed(Operator),
    /// A regex that no automaton can do: look-around, back references, possessive repeats. As
    /// `seclang::pcre` writes it, run by a backtracking engine with a limit on its steps.
    Backtrack(String),
    /// An operator whose argument is made when its turn comes.
    Macro(MacroOperator, Text),
}

/// An operator that takes an argument with macros.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MacroOperator {
    /// `eq`
    Eq,
    /// `ge`
    Ge,
    /// `gt`
    Gt,
    /// `le`
    Le,
    /// `lt`
    Lt,
    /// `streq`
    Streq,
    /// `contains`
    Contains,
    /// `beginsWith`
    BeginsWith,
    /// `endsWith`
    EndsWith,
    /// `within`
    Within,
    /// `rx`, compiled when it is needed.
    Rx,
    /// `ipMatch`
    IpMatch,
}

/// Text with macros, parsed at load.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Text(pub Vec<TextPart>);

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TextPart {
    /// Itself.
    Literal(Box<[u8]>),
    /// `%{VARIABLE}` or `%{VARIABLE.key}`: the first value; nothing where there is none.
    Macro(LinkVariable, Option<String>),
    /// `%{rule.…}` and the like, known while the file is read, are literals; a name that no
    /// variable has stands for nothing (as in ModSecurity 2).
    Unknown(String),
}

impl Text {
    /// Text without macros.
    pub fn literal(text: &[u8]) -> Self {
        Self(vec![TextPart::Literal(text.into())])
    }

    /// The text, when it holds no macro.
    pub fn as_literal(&self) -> Option<&[u8]> {
        match self.0.as_slice() {
            [] => Some(b""),
            [TextPart::Literal(text)] => Some(text),
            _ => None,
        }
    }
}

/// What a matching value does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// `setvar:tx.…`. Variables kept between requests are not stored: their `setvar`s, `initcol`
    /// and `expirevar` have no effect and are left out by the front end.
    SetVar {
        /// The key, in any case.
        name: Text,
        /// What becomes of it.
        change: Change,
    },
    /// `ctl:…`.
    Ctl(Ctl),
}

/// What becomes of a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// `=v`
    Set(Text),
    /// `=+v`: what is no number counts as 0.
    Add(Text),
    /// `=-v`, never below 0 (as in ModSecurity 2).
    Subtract(Text),
    /// `!name`
    Unset,
}

/// A change to how the rest of the transaction is handled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ctl {
    /// `ruleEngine`
    Engine(Engine),
    /// `requestBodyProcessor`, upper case.
    RequestBodyProcessor(String),
    /// `forceRequestBodyVariable`
    ForceRequestBodyVariable(bool),
    /// `requestBodyAccess`
    RequestBodyAccess(bool),
    /// `responseBodyAccess`
    ResponseBodyAccess(bool),
    /// `ruleRemoveById`, `…ByTag`, `…ByMsg`
    Remove(RuleScope),
    /// `ruleRemoveTargetById`, `…ByTag`, `…ByMsg`
    RemoveTarget(RuleScope, LinkTarget),
    /// What concerns logs that Pinpoint does not write (`auditEngine`, `auditLogParts` …).
    Ignored,
}

/// Which rules are meant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RuleScope {
    /// Numeric ids from the first to the last, both included.
    Ids(u64, u64),
    /// Rules with a tag that the regex matches somewhere (ModSecurity 2; without metacharacters
    /// the same as text that occurs in it).
    Tag(String),
    /// Rules whose message the regex matches somewhere.
    Message(String),
}

/// Whether rules run and whether they refuse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Engine {
    /// They run and refuse.
    #[default]
    On,
    /// They run; what they would refuse is told.
    DetectionOnly,
    /// They do not run.
    Off,
}

/// What directives set for the whole program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProgramSettings {
    /// `SecRuleEngine`
    pub engine: Engine,
    /// `SecRequestBodyAccess`; unlike ModSecurity's, our default is to look.
    pub request_body: Option<bool>,
    /// `SecResponseBodyAccess`
    pub response_body: Option<bool>,
    /// `SecResponseBodyMimeType`
    pub response_types: Vec<String>,
    /// `SecRequestBodyNoFilesLimit`, bytes.
    pub request_body_no_files_limit: Option<u64>,
    /// `SecArgumentsLimit`
    pub arguments_limit: Option<usize>,
}
