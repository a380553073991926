//! `DescribeImages`: the images of a region, by id or by filters, in pages, newest first.

use cvm_proto::api::DescribeImages;
use cvm_proto::api::types::Filter;
use serde::Serialize;
use serde_json::Value;

use super::filters::{self, MAX_IDS, MAX_PAGE, TagSubject, USUAL_PAGE};
use super::{Call, Handler, answer, checks, typed};
use crate::request::refusal::{Refusal, refuse};
use crate::resources::Resources;
use crate::resources::image::{CACHE_STATES, View};

pub(super) const HANDLER: Handler = Handler {
    name: "DescribeImages",
    run,
    causes: &[
        filters::ILLEGAL_TAG_KEY,
        filters::INVALID,
        filters::TOO_MANY_VALUES,
        ("InvalidImageId.Malformed", "an id is not `img-` and eight of 0-9 and a-z"),
        ("InvalidInstanceType.Malformed", "`InstanceType` is not a family and a size, as `S5.MEDIUM4`"),
        (
            "InvalidParameter.InvalidParameterCoexistImageIdsFilters",
            "`ImageIds` and `Filters` are both given",
        ),
        ("InvalidParameterValue.InstanceTypeNotFound", "the seed has no such instance type"),
        ("InvalidParameterValue.InvalidParameterValueLimit", "`Limit` is not from 1 to 100"),
        filters::TOO_MANY,
        filters::TAG_WITHOUT_KEY,
        ("ResourcesSoldOut.SpecifiedInstanceType", "the instance type is sold out in the seed"),
    ],
    states: &[],
};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Response<'a> {
    image_set: &'a [View<'a>],
    total_count: usize,
    request_id: &'a str,
}

fn run(call: &mut Call<'_>, parameters: Value, out: &mut Vec<u8>) -> Result<(), Refusal> {
    let request: DescribeImages = typed(parameters)?;
    let wanted = Wanted::new(&request, call.resources)?;
    let Call { region, account, now, .. } = *call;
    let offset = usize::try_from(request.offset.unwrap_or(0)).unwrap_or(usize::MAX);
    let limit = request.limit.map_or(USUAL_PAGE, |limit| usize::try_from(limit).unwrap_or(MAX_PAGE));
    let (image_set, total_count) = if request.image_ids.is_empty() {
        let images = call.resources.images(region, account, now);
        filters::page(images.filter(|view| wanted.has(view)), offset, limit)
    } else {
        let images = call.resources.these_images(region, account, now, &request.image_ids);
        filters::page(images.filter(|view| wanted.has(view)), offset, limit)
    };
    // Whoever waits for an image that is hidden waits for it to be seen.
    let hidden =
        call.resources.hidden_images(region, account, now).filter_map(|image| image.next_change(now));
    let shown = image_set.iter().filter_map(|view| view.image.next_change(now));
    call.next_change = shown.chain(hidden).min();
    answer(out, &Response { image_set: &image_set, total_count, request_id: call.request_id })
}

/// Which images are asked for, ids apart.
struct Wanted<'a> {
    conditions: Vec<Condition<'a>>,
    /// Only images that run on types of this architecture.
    architecture: Option<&'a str>,
}

impl<'a> Wanted<'a> {
    fn new(request: &'a DescribeImages, resources: &'a Resources) -> Result<Self, Refusal> {
        if !request.image_ids.is_empty() && !request.filters.is_empty() {
            return refuse(
                "InvalidParameter.InvalidParameterCoexistImageIdsFilters",
                "`ImageIds` and `Filters` cannot be combined: give one of them.",
            );
        }
        checks::length("ImageIds", &request.image_ids, MAX_IDS)?;
        request.image_ids.iter().try_for_each(|id| checks::image_id(id))?;
        let is_page = |limit| usize::try_from(limit).is_ok_and(|limit| (1..=MAX_PAGE).contains(&limit));
        if !request.limit.is_none_or(is_page) {
            return refuse(
                "InvalidParameterValue.InvalidParameterValueLimit",
                format!("`Limit` must be from 1 to {MAX_PAGE}."),
            );
        }
        let architecture = match &request.instance_type {
            Some(name) => Some(checks::instance_type(resources, name)?.architecture.as_str()),
            None => None,
        };
        filters::check_numbers(&request.filters)?;
        let conditions = request.filters.iter().map(Condition::new).collect::<Result<_, _>>()?;
        Ok(Self { conditions, architecture })
    }

    fn has(&self, view: &View<'_>) -> bool {
        self.architecture.is_none_or(|architecture| view.image.traits.runs_on(architecture))
            && self.conditions.iter().all(|condition| condition.holds(view))
    }
}

/// One filter: what it looks at, and the values of which one has to fit.
struct Condition<'a> {
    subject: Subject<'a>,
    values: &'a [String],
}

enum Subject<'a> {
    Id,
    Kind,
    Name,
    Platform,
    Tags(TagSubject<'a>),
    Cluster,
    Cache,
}

impl<'a> Condition<'a> {
    fn new(filter: &'a Filter) -> Result<Self, Refusal> {
        let subject = match filter.name.as_str() {
            "image-id" => {
                filter.values.iter().try_for_each(|id| checks::image_id(id))?;
                Subject::Id
            }
            "image-type" => {
                filters::check_values(filter, &["PRIVATE_IMAGE", "PUBLIC_IMAGE", "SHARED_IMAGE"])?;
                Subject::Kind
            }
            "image-name" => Subject::Name,
            "platform" => Subject::Platform,
            "dedicated-cluster-id" => Subject::Cluster,
            "cdc-cache-status" => {
                filters::check_values(filter, &CACHE_STATES)?;
                Subject::Cache
            }
            name => match TagSubject::new(filter)? {
                Some(subject) => Subject::Tags(subject),
                None => return filters::unknown(name),
            },
        };
        Ok(Self { subject, values: &filter.values })
    }

    fn holds(&self, view: &View<'_>) -> bool {
        let image = view.image;
        let one_is = |text: &str| self.values.iter().any(|value| value == text);
        let one_is_in = |text: &str| self.values.iter().any(|value| text.contains(value.as_str()));
        match self.subject {
            Subject::Id => one_is(&image.id),
            Subject::Kind => one_is(image.kind(view.account)),
            Subject::Name => one_is_in(&image.name),
            Subject::Platform => one_is_in(&image.traits.platform),
            Subject::Tags(subject) => subject.holds(&image.tags, self.values),
            Subject::Cluster => image.traits.dedicated_cluster_id.as_deref().is_some_and(one_is),
            Subject::Cache => image.traits.cdc_cache_status.as_deref().is_some_and(one_is),
        }
    }
}
