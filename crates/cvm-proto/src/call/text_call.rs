//! Calls whose parameters and answers are JSON texts: for bindings to other languages, which make values of their own.

use alloc::borrow::{Cow, ToOwned};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::convert::Infallible;
use core::fmt;
use core::ops::Range;

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::action::{Action, ActionInfo};
use super::page::{AnyList, Page, PageCursor, Paged, fingerprint};
use super::resume::Resumable;
use super::typed::{self, DecodeAnswer, TypedCall};
use super::wait::Ask;
use crate::client::{Config, Random};
use crate::codec::{envelope, flatten};
use crate::error::Error;
use crate::machine::{Machine, Now, Reply, Step};

/// The names of an action's parameters, in the order of the specification; `None` if this build does not know it.
pub fn parameters(action: &str) -> Option<&'static [&'static str]> {
    ActionInfo::find(action).map(|known| known.parameters)
}

/// An action by its name, with its parameters as the text of a JSON object.
#[derive(Clone, Debug)]
pub struct TextRequest {
    name: String,
    parameters: Box<RawValue>,
    is_dry_run: bool,
    has_token: bool,
    /// Whether there is room for one, beside none that is wrong.
    lacks_token: bool,
}

/// The parameters that decide whether a request may be sent again.
#[derive(Deserialize)]
struct RepeatMarkers<'a> {
    #[serde(rename = "DryRun", borrow, default)]
    dry_run: Option<&'a RawValue>,
    #[serde(rename = "ClientToken", borrow, default)]
    client_token: Option<&'a RawValue>,
}

impl TextRequest {
    /// A request of the action `name`. A number of any size goes into a JSON body as it stands here.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Parameter`](crate::ErrorKind::Parameter) if the text is not that of one JSON object.
    pub fn new(name: impl Into<String>, parameters: impl Into<String>) -> Result<Self, Error> {
        let (name, parameters) = (name.into(), parameters.into());
        let unreadable = |error: serde_json::Error| {
            Error::parameter(format!("the parameters are not JSON: {error}"))
                .with_source(error)
                .with_call(&name, None, 0)
        };
        let parameters = RawValue::from_string(parameters).map_err(unreadable)?;
        if !parameters.get().starts_with('{') {
            return Err(flatten::not_an_object().with_call(&name, None, 0));
        }
        let markers: RepeatMarkers<'_> = serde_json::from_str(parameters.get()).map_err(unreadable)?;
        let token = markers.client_token.map_or("null", RawValue::get);
        let lacks_token = matches!(token, "null" | "\"\"");
        // What is no text is no token to the service.
        let has_token = token.starts_with('"') && !lacks_token;
        let is_dry_run = markers.dry_run.is_some_and(|dry_run| dry_run.get() == "true");
        Ok(Self { name, parameters, is_dry_run, has_token, lacks_token })
    }

    /// The action.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// The object inside `Response`, as it came: well-formed JSON.
#[derive(Clone)]
pub struct AnswerText {
    body: String,
    object: Range<usize>,
}

impl AnswerText {
    /// The text of the object.
    pub fn as_str(&self) -> &str {
        &self.body[self.object.clone()]
    }
}

/// As the object that the text is, where the format can hold JSON as it stands.
impl Serialize for AnswerText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_json::from_str::<&RawValue>(self.as_str())
            .map_err(serde::ser::Error::custom)?
            .serialize(serializer)
    }
}

impl fmt::Debug for AnswerText {
    /// Shows the size, not the text: it may hold what a log should not.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnswerText").field("bytes", &self.object.len()).finish_non_exhaustive()
    }
}

impl DecodeAnswer for AnswerText {
    fn decode(body: String) -> Result<Self, Error> {
        let object = envelope::object(200, &body)?;
        let start = object.as_ptr() as usize - body.as_ptr() as usize;
        let object = start..start + object.len();
        Ok(Self { body, object })
    }
}

/// A call of any action whose answer stays a text. Encoding, signature, errors and retries are those of
/// [`Call`](crate::Call), the token that makes an action safe to repeat included.
///
/// ```
/// use core::time::Duration;
/// use cvm_proto::{Config, Credential, Machine, Now, Reply, Response, Settings, Step, TextCall, TextRequest};
///
/// let mut settings = Settings::default();
/// settings.credential = Some(Credential::new("AKIDexample", "not-a-real-key")?);
/// settings.region = Some("ap-shanghai".into());
/// let config = Config::new(settings)?;
///
/// let mut call = TextCall::new(&config, &TextRequest::new("DescribeImages", r#"{"Limit":1}"#)?, 42);
/// let now = Now::new(1_551_113_065, Duration::ZERO);
/// let Step::Send(request) = call.poll(now) else { panic!("a call begins with a request") };
/// assert_eq!(request.body(), br#"{"Limit":1}"#);
/// let body = br#"{"Response":{"TotalCount":0,"RequestId":"r-1"}}"#;
/// call.reply(now, Reply::Response(Response::new(200, body.to_vec())));
/// let Step::Done(Ok(answer)) = call.poll(now) else { panic!("the answer ends the call") };
/// assert_eq!(answer.as_str(), r#"{"TotalCount":0,"RequestId":"r-1"}"#);
/// # Ok::<(), cvm_proto::Error>(())
/// ```
pub struct TextCall {
    name: String,
    call: TypedCall<AnswerText>,
}

impl TextCall {
    /// A call with the settings of `config`. `seed` feeds jitter and nonces: any number, a different one for each call.
    pub fn new(config: &Config, request: &TextRequest, seed: u64) -> Self {
        let known = typed::known(config, &request.name);
        let takes_token = request.lacks_token
            && known.as_ref().is_some_and(|action| action.parameters.contains(&"ClientToken"));
        let parameters = if takes_token {
            with_token(request.parameters.get(), &Random::new(!seed).token())
        } else {
            Cow::Borrowed(&*request.parameters)
        };
        let has_token = request.has_token || takes_token;
        let rules =
            typed::policy_by_name(config, &request.name, known.as_ref(), has_token, request.is_dry_run);
        let needs_region = known.is_some_and(|action| action.needs_region);
        let prepared = typed::prepare_text(config, &request.name, needs_region, &parameters);
        Self { name: request.name.clone(), call: TypedCall::new(prepared, rules, seed) }
    }
}

/// The parameters with a token as their first member; one that is there and empty comes later, and so is taken out.
fn with_token(parameters: &str, token: &str) -> Cow<'static, RawValue> {
    let mut object: serde_json::Map<String, Value>;
    let text = if parameters.contains("\"ClientToken\"") {
        object = serde_json::from_str(parameters).unwrap_or_default();
        object.insert("ClientToken".into(), token.into());
        Value::Object(object).to_string()
    } else {
        let rest = parameters[1..].trim_start();
        let comma = if rest.starts_with('}') { "" } else { "," };
        format!("{{\"ClientToken\":\"{token}\"{comma}{rest}")
    };
    Cow::Owned(RawValue::from_string(text).expect("an object with one more member is JSON"))
}

impl Machine for TextCall {
    type Output = Result<AnswerText, Error>;
    type Progress = Infallible;

    fn name(&self) -> &str {
        &self.name
    }

    fn poll(&mut self, now: Now) -> Step<Self::Output> {
        self.call.poll(now)
    }

    fn reply(&mut self, now: Now, reply: Reply) {
        self.call.reply(now, reply);
    }
}

impl fmt::Debug for TextCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextCall").field("action", &self.name).finish_non_exhaustive()
    }
}

impl Ask for TextRequest {
    type Answer = AnswerText;
    type Call = TextCall;

    fn name(&self) -> &str {
        &self.name
    }

    fn call(&self, config: &Config, seed: u64) -> TextCall {
        TextCall::new(config, self, seed)
    }
}

/// An action whose answers are also kept as they came: for a [wait](crate::WaitUntil::with_text) whose outcome stays a text.
#[derive(Clone, Debug)]
pub struct WithText<A>(pub(crate) A);

/// An answer, and the text that it was read from.
#[derive(Clone, Debug)]
pub struct TextAnswer<R> {
    /// The answer.
    pub answer: R,
    /// Its text, with the members that this build does not know.
    pub text: AnswerText,
}

impl<R: DeserializeOwned> DecodeAnswer for TextAnswer<R> {
    fn decode(body: String) -> Result<Self, Error> {
        let answer = envelope::decode_success(200, &body)?;
        Ok(Self { answer, text: AnswerText::decode(body)? })
    }
}

/// The call of an action [with the text](WithText) of its answer.
pub struct CallWithText<A: Action>(TypedCall<TextAnswer<A::Response>>);

impl<A: Action> Machine for CallWithText<A> {
    type Output = Result<TextAnswer<A::Response>, Error>;
    type Progress = Infallible;

    fn name(&self) -> &str {
        A::NAME
    }

    fn poll(&mut self, now: Now) -> Step<Self::Output> {
        self.0.poll(now)
    }

    fn reply(&mut self, now: Now, reply: Reply) {
        self.0.reply(now, reply);
    }
}

impl<A: Action> fmt::Debug for CallWithText<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallWithText").field("action", &A::NAME).finish_non_exhaustive()
    }
}

impl<A: Action + Clone> Ask for WithText<A> {
    type Answer = TextAnswer<A::Response>;
    type Call = CallWithText<A>;

    fn name(&self) -> &str {
        A::NAME
    }

    fn call(&self, config: &Config, seed: u64) -> CallWithText<A> {
        CallWithText(typed::begin(config, self.0.clone(), seed))
    }
}

/// A list by the name of its action; its items are whole pages, as texts.
#[derive(Clone, Debug)]
pub struct TextList(AnyList);

impl TextList {
    /// The list of the action `name`, from the item that the parameters, the text of a JSON object, ask for.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Parameter`](crate::ErrorKind::Parameter) if this build knows no such action that comes in pages, or
    /// the parameters are not an object.
    pub fn new(name: &str, parameters: &str) -> Result<Self, Error> {
        let parameters = serde_json::from_str(parameters).map_err(|error| {
            Error::parameter(format!("the parameters are not JSON: {error}")).with_source(error)
        })?;
        AnyList::new(name, parameters).map(Self)
    }

    /// The member of a page that holds its items.
    pub fn items(&self) -> &'static str {
        self.0.items()
    }
}

impl Paged for TextList {
    type Item = AnswerText;
    type Call = TextCall;
    type Answer = AnswerText;

    fn call(&self, config: &Config, seed: u64) -> TextCall {
        let (name, parameters) = self.0.parts();
        let parameters = RawValue::from_string(parameters.to_string()).expect("a value is written as JSON");
        let request = TextRequest {
            name: name.to_owned(),
            parameters,
            is_dry_run: false,
            has_token: false,
            lacks_token: true,
        };
        TextCall::new(config, &request, seed)
    }

    fn turn(&mut self, answer: AnswerText) -> Page<AnswerText> {
        let mut read = serde_json::Deserializer::from_str(answer.as_str());
        // What does not fit is the end of the list, as where it is read into values.
        let page = PageSeed(self.items()).deserialize(&mut read).unwrap_or_default();
        let more = self.0.turn_to(&page);
        let items = if page.items > 0 { vec![answer] } else { Vec::new() };
        Page::new(items, more).total(page.total).counted(page.items)
    }

    /// The member of the items is written anew, the others as they came.
    fn skip(&self, page: Vec<AnswerText>, items: usize) -> Vec<AnswerText> {
        page.into_iter().filter_map(|answer| without_first(&answer, self.items(), items)).collect()
    }

    /// Of the ends of the text, since items begin an answer, or end it; without the id of the request, which is always
    /// another.
    fn fingerprint(page: &[AnswerText]) -> u64 {
        const ENDS: usize = 1024;
        let text = page.first().map_or("", AnswerText::as_str);
        let id = envelope::request_id(text).unwrap_or_default();
        let id = text.rfind(&id).map_or(0..0, |at| at..at + id.len());
        let bytes = text.as_bytes();
        let ends = (0..bytes.len().min(ENDS)).chain(bytes.len().saturating_sub(ENDS)..bytes.len());
        fingerprint(ends.filter(|at| !id.contains(at)).map(|at| bytes[at]).chain(bytes.len().to_le_bytes()))
    }
}

impl Resumable for TextList {
    fn action(&self) -> &str {
        self.0.action()
    }

    fn parameters(&self) -> Value {
        self.0.parameters()
    }

    fn with_parameters(&self, parameters: Value) -> Result<Self, Error> {
        self.0.with_parameters(parameters).map(Self)
    }
}

/// An answer without its first items; nothing if it has no more.
fn without_first(answer: &AnswerText, name: &str, items: usize) -> Option<AnswerText> {
    let mut members: BTreeMap<Cow<'_, str>, Box<RawValue>> = serde_json::from_str(answer.as_str()).ok()?;
    let list: Vec<&RawValue> = serde_json::from_str(members.get(name)?.get()).ok()?;
    let rest = list.get(items..).filter(|rest| !rest.is_empty())?;
    let rest = RawValue::from_string(serde_json::to_string(rest).ok()?).ok()?;
    members.insert(Cow::Borrowed(name), rest);
    let body = serde_json::to_string(&members).ok()?;
    Some(AnswerText { object: 0..body.len(), body })
}

/// Reads from a page only how many items it has, and what follows it.
struct PageSeed(&'static str);

impl<'de> DeserializeSeed<'de> for PageSeed {
    type Value = PageCursor;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<PageCursor, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for PageSeed {
    type Value = PageCursor;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a page of a list")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<PageCursor, A::Error> {
        let mut page = PageCursor::default();
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match &*key {
                name if name == self.0 => {
                    page.items = map.next_value::<Option<Count>>()?.map_or(0, |count| count.0);
                }
                "TotalCount" => page.total = map.next_value::<Value>()?.as_i64().unwrap_or(0),
                "NextToken" => page.next_token = map.next_value::<Value>()?.as_str().map(String::from),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(page)
    }
}

/// How many elements an array has.
struct Count(usize);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CountVisitor;
        impl<'de> Visitor<'de> for CountVisitor {
            type Value = Count;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Count, A::Error> {
                let mut count = 0;
                while seq.next_element::<IgnoredAny>()?.is_some() {
                    count += 1;
                }
                Ok(Count(count))
            }
        }
        deserializer.deserialize_seq(CountVisitor)
    }
}
