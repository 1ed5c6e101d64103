//! Directives that set something for the whole configuration.

use super::ctl::{AUDIT, AuditMode, ENGINE, EngineMode};
use super::text::Text;
use super::value::{SWITCH, name, number, word};
use crate::source::Report;

/// What a directive sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setting {
    /// `SecRuleEngine`
    RuleEngine(EngineMode),
    /// `SecRequestBodyAccess`
    RequestBodyAccess(bool),
    /// `SecRequestBodyLimit`, bytes
    RequestBodyLimit(u64),
    /// `SecRequestBodyNoFilesLimit`, bytes
    RequestBodyNoFilesLimit(u64),
    /// `SecRequestBodyLimitAction`
    RequestBodyLimitAction(LimitAction),
    /// `SecRequestBodyJsonDepthLimit`
    RequestBodyJsonDepthLimit(u64),
    /// `SecArgumentsLimit`
    ArgumentsLimit(u64),
    /// `SecArgumentSeparator`
    ArgumentSeparator(u8),
    /// `SecResponseBodyAccess`
    ResponseBodyAccess(bool),
    /// `SecResponseBodyMimeType`: these are looked at too
    ResponseBodyMimeTypes(Vec<String>),
    /// `SecResponseBodyMimeTypesClear`: the list is empty again
    ResponseBodyMimeTypesClear,
    /// `SecResponseBodyLimit`, bytes
    ResponseBodyLimit(u64),
    /// `SecResponseBodyLimitAction`
    ResponseBodyLimitAction(LimitAction),
    /// `SecAuditEngine`
    AuditEngine(AuditMode),
    /// `SecAuditLogRelevantStatus`: a regex
    AuditLogRelevantStatus(String),
    /// `SecAuditLogParts`
    AuditLogParts(String),
    /// `SecComponentSignature`
    ComponentSignature(String),
    /// `SecCollectionTimeout`, seconds
    CollectionTimeout(u64),
}

/// What happens to a body that is longer than its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitAction {
    /// The transaction is refused.
    Reject,
    /// What lies within the limit is looked at.
    ProcessPartial,
}

const LIMIT_ACTIONS: &[(&str, LimitAction)] =
    &[("Reject", LimitAction::Reject), ("ProcessPartial", LimitAction::ProcessPartial)];

/// Reads the words behind a directive; there is one at least.
pub(super) type Read = fn(&[Text], &Text) -> Result<Setting, Report>;

/// Every setting, and how many words it takes.
pub(super) const SETTINGS: &[(&str, usize, Read)] = &[
    ("SecRuleEngine", 1, |_, text| word(text, ENGINE).map(Setting::RuleEngine)),
    ("SecRequestBodyAccess", 1, |_, text| word(text, SWITCH).map(Setting::RequestBodyAccess)),
    ("SecRequestBodyLimit", 1, |_, text| number(text).map(Setting::RequestBodyLimit)),
    ("SecRequestBodyNoFilesLimit", 1, |_, text| number(text).map(Setting::RequestBodyNoFilesLimit)),
    ("SecRequestBodyLimitAction", 1, |_, text| {
        word(text, LIMIT_ACTIONS).map(Setting::RequestBodyLimitAction)
    }),
    ("SecRequestBodyJsonDepthLimit", 1, |_, text| {
        number(text).map(Setting::RequestBodyJsonDepthLimit)
    }),
    ("SecArgumentsLimit", 1, |_, text| number(text).map(Setting::ArgumentsLimit)),
    ("SecArgumentSeparator", 1, |_, text| separator(text).map(Setting::ArgumentSeparator)),
    ("SecResponseBodyAccess", 1, |_, text| word(text, SWITCH).map(Setting::ResponseBodyAccess)),
    ("SecResponseBodyMimeType", usize::MAX, |texts, _| {
        texts.iter().map(name).collect::<Result<_, _>>().map(Setting::ResponseBodyMimeTypes)
    }),
    ("SecResponseBodyLimit", 1, |_, text| number(text).map(Setting::ResponseBodyLimit)),
    ("SecResponseBodyLimitAction", 1, |_, text| {
        word(text, LIMIT_ACTIONS).map(Setting::ResponseBodyLimitAction)
    }),
    ("SecAuditEngine", 1, |_, text| word(text, AUDIT).map(Setting::AuditEngine)),
    ("SecAuditLogRelevantStatus", 1, |_, text| name(text).map(Setting::AuditLogRelevantStatus)),
    ("SecAuditLogParts", 1, |_, text| name(text).map(Setting::AuditLogParts)),
    ("SecComponentSignature", 1, |_, text| Ok(Setting::ComponentSignature(text.shown()))),
    ("SecCollectionTimeout", 1, |_, text| number(text).map(Setting::CollectionTimeout)),
];

/// What is accepted and has no meaning here: where logs and temporary files of another server lie,
/// how much memory it takes, what it says about itself.
pub(super) const IGNORED: &[&str] = &[
    "SecAuditLog",
    "SecAuditLog2",
    "SecAuditLogDir",
    "SecAuditLogDirMode",
    "SecAuditLogFileMode",
    "SecAuditLogFormat",
    "SecAuditLogPrefix",
    "SecAuditLogStorageDir",
    "SecAuditLogType",
    "SecCacheTransformations",
    "SecChrootDir",
    "SecConnEngine",
    "SecConnReadStateLimit",
    "SecConnWriteStateLimit",
    "SecCookieFormat",
    "SecCookieV0Separator",
    "SecDataDir",
    "SecDebugLog",
    "SecDebugLogLevel",
    "SecDisableBackendCompression",
    "SecGeoLookupDb",
    "SecGsbLookupDb",
    "SecGuardianLog",
    "SecHashEngine",
    "SecHashKey",
    "SecHashMethodPm",
    "SecHashMethodRx",
    "SecHashParam",
    "SecHttpBlKey",
    "SecIgnoreRuleCompilationErrors",
    "SecInterceptOnError",
    "SecParseXmlIntoArgs",
    "SecPcreMatchLimit",
    "SecPcreMatchLimitRecursion",
    "SecReadStateLimit",
    "SecRemoteRulesFailAction",
    "SecRequestBodyInMemoryLimit",
    "SecRulePerfTime",
    "SecRxPreFilter",
    "SecSensorId",
    "SecServerSignature",
    "SecStatusEngine",
    "SecStreamInBodyInspection",
    "SecStreamOutBodyInspection",
    "SecTmpDir",
    "SecTmpSaveUploadedFiles",
    "SecUnicodeCodePage",
    "SecUnicodeMap",
    "SecUnicodeMapFile",
    "SecUploadDir",
    "SecUploadFileLimit",
    "SecUploadFileMode",
    "SecUploadKeepFiles",
    "SecWebAppId",
    "SecWriteStateLimit",
    "SecXmlExternalEntity",
];

/// What cannot be left out without changing what the rules do.
pub(super) const UNSUPPORTED: &[(&str, &str)] = &[
    ("SecDataset", "phrases are read from files only"),
    ("SecContentInjection", "responses are not rewritten"),
    ("SecRemoteRules", "rules are read from files only"),
    ("SecRuleInheritance", "rules of a route are chosen by the configuration"),
    ("SecRuleScript", "no scripts are run"),
];

fn separator(text: &Text) -> Result<u8, Report> {
    match text.bytes() {
        [byte] => Ok(*byte),
        _ => Err(text.error("one character is expected here")),
    }
}
