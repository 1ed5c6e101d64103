//! The names of what a rule can look at.

use super::text::Text;
use crate::source::Report;
use crate::suggest;

macro_rules! variables {
    ($( $variant:ident = $name:literal $shape:ident; )*) => {
        /// A variable of ModSecurity 2.9, under its own name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[allow(missing_docs, reason = "each is its name in rules")]
        pub enum Variable { $( $variant, )* }

        impl Variable {
            /// Every variable, in the order of the list.
            pub const ALL: &'static [Variable] = &[$( Variable::$variant, )*];

            /// Its name in rules.
            pub fn name(self) -> &'static str {
                match self { $( Variable::$variant => $name, )* }
            }

            fn shape(self) -> Shape {
                match self { $( Variable::$variant => Shape::$shape, )* }
            }
        }
    };
}

/// What a variable holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// One value.
    Single,
    /// Any number of named values.
    Collection,
}

variables! {
    Args = "ARGS" Collection;
    ArgsCombinedSize = "ARGS_COMBINED_SIZE" Single;
    ArgsGet = "ARGS_GET" Collection;
    ArgsGetNames = "ARGS_GET_NAMES" Collection;
    ArgsNames = "ARGS_NAMES" Collection;
    ArgsPost = "ARGS_POST" Collection;
    ArgsPostNames = "ARGS_POST_NAMES" Collection;
    AuthType = "AUTH_TYPE" Single;
    Duration = "DURATION" Single;
    Env = "ENV" Collection;
    Files = "FILES" Collection;
    FilesCombinedSize = "FILES_COMBINED_SIZE" Single;
    FilesNames = "FILES_NAMES" Collection;
    FilesSizes = "FILES_SIZES" Collection;
    FilesTmpContent = "FILES_TMP_CONTENT" Collection;
    FilesTmpNames = "FILES_TMPNAMES" Collection;
    FullRequest = "FULL_REQUEST" Single;
    FullRequestLength = "FULL_REQUEST_LENGTH" Single;
    Geo = "GEO" Collection;
    Global = "GLOBAL" Collection;
    HighestSeverity = "HIGHEST_SEVERITY" Single;
    InboundDataError = "INBOUND_DATA_ERROR" Single;
    Ip = "IP" Collection;
    MatchedVar = "MATCHED_VAR" Single;
    MatchedVarName = "MATCHED_VAR_NAME" Single;
    MatchedVars = "MATCHED_VARS" Collection;
    MatchedVarsNames = "MATCHED_VARS_NAMES" Collection;
    ModsecBuild = "MODSEC_BUILD" Single;
    MscPcreError = "MSC_PCRE_ERROR" Single;
    MscPcreLimitsExceeded = "MSC_PCRE_LIMITS_EXCEEDED" Single;
    MultipartBoundaryQuoted = "MULTIPART_BOUNDARY_QUOTED" Single;
    MultipartBoundaryWhitespace = "MULTIPART_BOUNDARY_WHITESPACE" Single;
    MultipartCrlfLfLines = "MULTIPART_CRLF_LF_LINES" Single;
    MultipartDataAfter = "MULTIPART_DATA_AFTER" Single;
    MultipartDataBefore = "MULTIPART_DATA_BEFORE" Single;
    MultipartFileLimitExceeded = "MULTIPART_FILE_LIMIT_EXCEEDED" Single;
    MultipartFilename = "MULTIPART_FILENAME" Collection;
    MultipartHeaderFolding = "MULTIPART_HEADER_FOLDING" Single;
    MultipartInvalidHeaderFolding = "MULTIPART_INVALID_HEADER_FOLDING" Single;
    MultipartInvalidPart = "MULTIPART_INVALID_PART" Single;
    MultipartInvalidQuoting = "MULTIPART_INVALID_QUOTING" Single;
    MultipartLfLine = "MULTIPART_LF_LINE" Single;
    MultipartMissingSemicolon = "MULTIPART_MISSING_SEMICOLON" Single;
    MultipartName = "MULTIPART_NAME" Collection;
    MultipartPartHeaders = "MULTIPART_PART_HEADERS" Collection;
    MultipartSemicolonMissing = "MULTIPART_SEMICOLON_MISSING" Single;
    MultipartStrictError = "MULTIPART_STRICT_ERROR" Single;
    MultipartUnmatchedBoundary = "MULTIPART_UNMATCHED_BOUNDARY" Single;
    OutboundDataError = "OUTBOUND_DATA_ERROR" Single;
    PathInfo = "PATH_INFO" Single;
    QueryString = "QUERY_STRING" Single;
    RemoteAddr = "REMOTE_ADDR" Single;
    RemoteHost = "REMOTE_HOST" Single;
    RemotePort = "REMOTE_PORT" Single;
    RemoteUser = "REMOTE_USER" Single;
    ReqbodyError = "REQBODY_ERROR" Single;
    ReqbodyErrorMsg = "REQBODY_ERROR_MSG" Single;
    ReqbodyProcessor = "REQBODY_PROCESSOR" Single;
    ReqbodyProcessorError = "REQBODY_PROCESSOR_ERROR" Single;
    ReqbodyProcessorErrorMsg = "REQBODY_PROCESSOR_ERROR_MSG" Single;
    RequestBasename = "REQUEST_BASENAME" Single;
    RequestBody = "REQUEST_BODY" Single;
    RequestBodyLength = "REQUEST_BODY_LENGTH" Single;
    RequestCookies = "REQUEST_COOKIES" Collection;
    RequestCookiesNames = "REQUEST_COOKIES_NAMES" Collection;
    RequestFilename = "REQUEST_FILENAME" Single;
    RequestHeaders = "REQUEST_HEADERS" Collection;
    RequestHeadersNames = "REQUEST_HEADERS_NAMES" Collection;
    RequestLine = "REQUEST_LINE" Single;
    RequestMethod = "REQUEST_METHOD" Single;
    RequestProtocol = "REQUEST_PROTOCOL" Single;
    RequestUri = "REQUEST_URI" Single;
    RequestUriRaw = "REQUEST_URI_RAW" Single;
    Resource = "RESOURCE" Collection;
    ResponseArgs = "RESPONSE_ARGS" Collection;
    ResponseBody = "RESPONSE_BODY" Single;
    ResponseContentLength = "RESPONSE_CONTENT_LENGTH" Single;
    ResponseContentType = "RESPONSE_CONTENT_TYPE" Single;
    ResponseHeaders = "RESPONSE_HEADERS" Collection;
    ResponseHeadersNames = "RESPONSE_HEADERS_NAMES" Collection;
    ResponseProtocol = "RESPONSE_PROTOCOL" Single;
    ResponseStatus = "RESPONSE_STATUS" Single;
    Rule = "RULE" Collection;
    ScriptBasename = "SCRIPT_BASENAME" Single;
    ScriptFilename = "SCRIPT_FILENAME" Single;
    ServerAddr = "SERVER_ADDR" Single;
    ServerName = "SERVER_NAME" Single;
    ServerPort = "SERVER_PORT" Single;
    Session = "SESSION" Collection;
    Sessionid = "SESSIONID" Single;
    StatusLine = "STATUS_LINE" Single;
    StreamInputBody = "STREAM_INPUT_BODY" Single;
    StreamOutputBody = "STREAM_OUTPUT_BODY" Single;
    Time = "TIME" Single;
    TimeDay = "TIME_DAY" Single;
    TimeEpoch = "TIME_EPOCH" Single;
    TimeHour = "TIME_HOUR" Single;
    TimeMin = "TIME_MIN" Single;
    TimeMon = "TIME_MON" Single;
    TimeSec = "TIME_SEC" Single;
    TimeWday = "TIME_WDAY" Single;
    TimeYear = "TIME_YEAR" Single;
    Tx = "TX" Collection;
    UniqueId = "UNIQUE_ID" Single;
    UrlencodedError = "URLENCODED_ERROR" Single;
    User = "USER" Collection;
    UseragentIp = "USERAGENT_IP" Single;
    Userid = "USERID" Single;
    Webappid = "WEBAPPID" Single;
    Xml = "XML" Collection;
}

impl Variable {
    /// The variable with this name, in any case.
    pub fn from_name(name: &[u8]) -> Option<Self> {
        let is_it = |variable: &Self| variable.name().as_bytes().eq_ignore_ascii_case(name);
        Self::ALL.iter().copied().find(is_it)
    }

    /// Whether it holds named values, so that a selector may follow.
    pub fn is_collection(self) -> bool {
        self.shape() == Shape::Collection
    }

    /// Whether `setvar` may write it.
    pub fn is_writable(self) -> bool {
        matches!(
            self,
            Self::Tx | Self::Ip | Self::Global | Self::Session | Self::User | Self::Resource
        )
    }

    /// Reads a name.
    pub(super) fn read(name: &Text) -> Result<Self, Report> {
        Self::from_name(name.bytes()).ok_or_else(|| {
            let shown = name.shown();
            let report = name.error(format!("unknown variable `{shown}`"));
            match suggest::nearest(&shown, Self::ALL.iter().map(|known| known.name())) {
                Some(nearest) => report.help(format!("did you mean `{nearest}`?")),
                None => report,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_name_stands_twice() {
        let names: BTreeSet<&str> = Variable::ALL.iter().map(|known| known.name()).collect();
        assert_eq!(names.len(), Variable::ALL.len());
        assert_eq!(Variable::from_name(b"request_Headers"), Some(Variable::RequestHeaders));
    }
}
