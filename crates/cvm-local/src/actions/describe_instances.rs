//! `DescribeInstances`: the instances of a region, by id or by filters, in pages, newest first.

use cvm_proto::api::DescribeInstances;
use cvm_proto::api::types::Filter;
use serde::Serialize;
use serde_json::Value;

use super::filters::{self, TagSubject};
use super::{Call, Handler, answer, instance_states, typed};
use crate::clock::{Moment, parse_iso};
use crate::request::refusal::{Refusal, refuse};
use crate::resources::instance::{Instance, InstanceState, InstanceView};

pub(super) const HANDLER: Handler = Handler {
    name: "DescribeInstances",
    run,
    causes: &[
        filters::ILLEGAL_TAG_KEY,
        filters::INVALID,
        filters::TOO_MANY_VALUES,
        instance_states::ID_MALFORMED,
        ("InvalidParameter", "`InstanceIds` and `Filters` are both given"),
        ("InvalidParameterValue", "`Offset` is below 0, or `Limit` is not from 1 to 100"),
        (
            "InvalidParameterValue.InvalidTimeFormat",
            "a time of a filter is not written as `2026-01-31T08:00:00Z`",
        ),
        filters::TOO_MANY,
        filters::TAG_WITHOUT_KEY,
    ],
    states: &[],
};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Response<'a> {
    total_count: usize,
    instance_set: Vec<InstanceView<'a>>,
    request_id: &'a str,
}

fn run(call: &mut Call<'_>, parameters: Value, out: &mut Vec<u8>) -> Result<(), Refusal> {
    let request: DescribeInstances = typed(parameters)?;
    let ids = &request.instance_ids;
    if !ids.is_empty() && !request.filters.is_empty() {
        return refuse(
            "InvalidParameter",
            "`InstanceIds` and `Filters` cannot be combined: give one of them.",
        );
    }
    instance_states::check_ids(ids)?;
    let (offset, limit) = filters::signed_page(request.offset, request.limit)?;
    filters::check_numbers(&request.filters)?;
    let conditions = request.filters.iter().map(Condition::new).collect::<Result<Vec<_>, _>>()?;
    let is_wanted = |instance: &&Instance| {
        (ids.is_empty() || ids.contains(&instance.id))
            && conditions.iter().all(|condition| condition.holds(instance, call.now))
    };
    let instances = call.resources.instances(call.region, call.account, call.now);
    let (page, total_count) = filters::page(instances.filter(is_wanted), offset, limit);
    call.next_change = page.iter().filter_map(|instance| instance.next_change(call.now)).min();
    let instance_set = page.into_iter().map(|instance| instance.view(call.now)).collect();
    answer(out, &Response { total_count, instance_set, request_id: call.request_id })
}

/// One filter: what it looks at, and the values of which one has to fit.
struct Condition<'a> {
    subject: Subject<'a>,
    values: &'a [String],
}

enum Subject<'a> {
    Id,
    Uuid,
    Name,
    Zone,
    Project,
    Vpc,
    Subnet,
    SecurityGroup,
    ChargeType,
    Type,
    Image,
    PrivateIp,
    PublicIp,
    /// No instance here is on a host of its own.
    Host,
    States(Vec<InstanceState>),
    Tags(TagSubject<'a>),
    From(Moment),
    Until(Moment),
}

impl<'a> Condition<'a> {
    fn new(filter: &'a Filter) -> Result<Self, Refusal> {
        let subject = match filter.name.as_str() {
            "instance-id" => {
                instance_states::check_ids(&filter.values)?;
                Subject::Id
            }
            "uuid" => Subject::Uuid,
            "instance-name" => Subject::Name,
            "zone" => Subject::Zone,
            "project-id" => Subject::Project,
            "host-id" => Subject::Host,
            "vpc-id" => Subject::Vpc,
            "subnet-id" => Subject::Subnet,
            "security-group-id" => Subject::SecurityGroup,
            "instance-charge-type" => Subject::ChargeType,
            "instance-type" => Subject::Type,
            "image-id" => Subject::Image,
            "private-ip-address" => Subject::PrivateIp,
            "public-ip-address" => Subject::PublicIp,
            "instance-state" => {
                let states: Option<Vec<_>> =
                    filter.values.iter().map(|value| InstanceState::parse(value)).collect();
                match states {
                    Some(states) => Subject::States(states),
                    None => {
                        return refuse("InvalidFilter", "The filter `instance-state` has no such value.");
                    }
                }
            }
            "creation-start-time" => Subject::From(time(filter)?),
            "creation-end-time" => Subject::Until(time(filter)?),
            name => match TagSubject::new(filter)? {
                Some(subject) => Subject::Tags(subject),
                None => return filters::unknown(name),
            },
        };
        Ok(Self { subject, values: &filter.values })
    }

    fn holds(&self, instance: &Instance, now: Moment) -> bool {
        let spec = &instance.spec;
        let network = &spec.network;
        let one_is = |text: &str| self.values.iter().any(|value| value == text);
        match &self.subject {
            Subject::Id => one_is(&instance.id),
            Subject::Uuid => one_is(&spec.uuid),
            Subject::Name => self.values.iter().any(|value| instance.name.contains(value.as_str())),
            Subject::Zone => one_is(&spec.zone),
            Subject::Project => one_is(&spec.project_id.to_string()),
            Subject::Vpc => one_is(&network.vpc_id),
            Subject::Subnet => one_is(&network.subnet_id),
            Subject::SecurityGroup => network.security_group_ids.iter().any(|id| one_is(id)),
            Subject::ChargeType => one_is(&spec.charge_type),
            Subject::Type => one_is(&spec.instance_type),
            Subject::Image => one_is(&spec.image_id),
            Subject::PrivateIp => one_is(&network.private_ip),
            Subject::PublicIp => network.public_ip.as_deref().is_some_and(one_is),
            Subject::Host => false,
            Subject::States(states) => instance.state(now).is_some_and(|state| states.contains(&state)),
            Subject::Tags(subject) => subject.holds(&spec.tags, self.values),
            Subject::From(moment) => instance.created >= *moment,
            Subject::Until(moment) => instance.created <= *moment,
        }
    }
}

/// The time that a filter has as its only value.
fn time(filter: &Filter) -> Result<Moment, Refusal> {
    let time = match filter.values.as_slice() {
        [text] => parse_iso(text),
        _ => None,
    };
    time.ok_or_else(|| {
        Refusal::new(
            "InvalidParameterValue.InvalidTimeFormat",
            format!("The filter `{}` takes one time: write it as `2026-01-31T08:00:00Z`.", filter.name),
        )
    })
}
