//! What the service does for each action.

use serde_json::{Value, json};

use super::{Fate, Guard, Image, Service, plain, texts};

impl Service {
    pub(super) fn act(
        &mut self,
        (action, region, account): (&str, &str, &'static str),
        body: &Value,
        now: u64,
    ) -> Result<Value, &'static str> {
        if action == "DescribeRegions" {
            return Ok(self.regions());
        }
        if self.unserved.contains_key(region) {
            return Err("UnsupportedRegion");
        }
        if !self.images.contains_key(region) {
            return Err("InvalidParameterValue");
        }
        match action {
            "DescribeImages" => self.describe(region, account, body, now),
            "DescribeImageQuota" => Ok(json!({"ImageNumQuota": self.quota(region)})),
            "SyncImages" => self.sync(region, account, body, now),
            "ModifyImageAttribute" => self.modify(region, body),
            "DeleteImages" => self.delete(region, account, body, now),
            "GetCallerIdentity" => Ok(json!({"AccountId": account, "Type": "CAMUser"})),
            other => panic!("unexpected action {other}"),
        }
    }

    fn regions(&self) -> Value {
        let served = self.images.keys().map(|region| (region.as_str(), true));
        let all = served.chain(self.unserved.iter().map(|(region, is_available)| (*region, *is_available)));
        let list: Vec<Value> = all
            .map(|(region, is_available)| {
                let state = if is_available { "AVAILABLE" } else { "UNAVAILABLE" };
                json!({"Region": region, "RegionName": region, "RegionState": state})
            })
            .collect();
        json!({"TotalCount": list.len(), "RegionSet": list})
    }

    fn quota(&self, region: &str) -> i64 {
        self.quotas.get(region).copied().unwrap_or(500)
    }

    fn describe(&self, region: &str, account: &str, body: &Value, now: u64) -> Result<Value, &'static str> {
        let ids: Vec<&str> = texts(&body["ImageIds"]);
        let empty = Vec::new();
        let filters = body["Filters"].as_array().unwrap_or(&empty);
        let fits = |image: &Image| {
            (ids.is_empty() || ids.contains(&image.id.as_str()))
                && filters.iter().all(|filter| {
                    let value = texts(&filter["Values"])[0];
                    match filter["Name"].as_str().unwrap() {
                        "image-name" => image.name.contains(value),
                        "image-type" => image.shown_kind(now) == value,
                        other => panic!("unexpected filter {other}"),
                    }
                })
        };
        let found: Vec<Value> = self.images[region]
            .iter()
            .filter(|image| image.is_seen(account, now) && fits(image))
            .map(|image| self.view(image, now))
            .collect();
        let offset = body["Offset"].as_u64().unwrap_or(0) as usize;
        let limit = body["Limit"].as_u64().unwrap_or(20) as usize;
        let page: Vec<_> = found.iter().skip(offset).take(limit).collect();
        Ok(json!({"ImageSet": page, "TotalCount": found.len()}))
    }

    fn view(&self, image: &Image, now: u64) -> Value {
        let (state, percent) = image.state(now, self.copy_millis);
        let tags: Vec<_> =
            image.tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
        json!({
            "ImageId": image.id, "ImageName": image.name, "OsName": image.os, "Architecture": "x86_64",
            "ImageSize": image.size, "ImageType": image.shown_kind(now), "CreatedTime": image.created,
            "ImageDescription": image.description, "ImageFamily": image.family, "ImageState": state,
            "SyncPercent": percent, "Tags": tags,
        })
    }

    /// Whether a name counts as taken.
    fn is_taken(&self, region: &str, account: &str, name: &str, now: u64) -> bool {
        let same = |other: &str| if self.guard_folds { plain(other) == plain(name) } else { other == name };
        let counts = |image: &&Image| match self.guard {
            Guard::Off => false,
            Guard::Late(millis) => now >= image.made_at + millis,
            Guard::On => true,
        };
        let own = |image: &&Image| image.kind == "PRIVATE_IMAGE" && image.account == account;
        let mut images = self.images[region].iter();
        images.any(|image| counts(&image) && same(&image.name) && (own(&image) || self.guard_minds_others))
    }

    pub(super) fn sync(
        &mut self,
        home: &str,
        account: &'static str,
        body: &Value,
        now: u64,
    ) -> Result<Value, &'static str> {
        assert_eq!(body["ImageSetRequired"], json!(true));
        let ids = texts(&body["ImageIds"]);
        let regions: Vec<String> = texts(&body["DestinationRegions"]).into_iter().map(Into::into).collect();
        assert_eq!(ids.len(), 1, "one image a request");
        let name = body["ImageName"].as_str().expect("every request names its copies");
        let Some(source) = self.images[home].iter().find(|image| image.id == ids[0]).cloned() else {
            return Err("InvalidImageId.NotFound");
        };
        if !source.is_seen(account, now) {
            return Err("InvalidImageId.NotFound");
        }
        match source.state(now, self.copy_millis).0 {
            "NORMAL" => {}
            "SYNCING" => return Err("InvalidParameterValue.InvalidImageState"),
            _ => return Err("InvalidImageId.IncorrectState"),
        }
        for region in &regions {
            if !self.images.contains_key(region) {
                return Err("InvalidRegion.NotFound");
            }
            if self.is_taken(region, account, name, now) {
                return Err("InvalidImageName.Duplicate");
            }
            let own = |image: &&Image| image.kind == "PRIVATE_IMAGE" && image.account == account;
            if self.images[region].iter().filter(own).count() as i64 >= self.quota(region) {
                return Err("ImageQuotaLimitExceeded");
            }
        }
        if self.takes_one_region && regions.len() > 1 {
            return Err("InvalidParameterValue.LimitExceeded");
        }
        if let Some((_, code)) =
            self.refuse_copies_to.filter(|(region, _)| regions.iter().any(|of| of == region))
        {
            return Err(code);
        }
        if body["DryRun"] == json!(true) {
            return Err("DryRunOperation");
        }
        let set: Vec<Value> = regions
            .iter()
            .map(|region| json!({"Region": region, "ImageId": self.make(home, &source, region, name, now)}))
            .collect();
        self.accepted.push(regions);
        Ok(if self.hides_ids { json!({"ImageSet": null}) } else { json!({"ImageSet": set}) })
    }

    /// Starts one copy; gives its id.
    fn make(&mut self, home: &str, source: &Image, region: &str, name: &str, now: u64) -> String {
        self.made += 1;
        let id = format!("img-copy{:04}", self.made);
        let fate = self.fates.get(region).copied().unwrap_or(Fate::Fine);
        let hidden = self.hidden_in.get(region).copied().unwrap_or(self.hidden_millis);
        let copy = Image {
            id: id.clone(),
            name: name.into(),
            kind: "PRIVATE_IMAGE",
            created: "2019-02-26T00:00:00Z".into(),
            description: String::new(),
            family: String::new(),
            tags: Vec::new(),
            source: Some(source.id.clone()),
            state: "NORMAL",
            maker: self.maker,
            made_at: now,
            visible_from: now + hidden,
            typed_from: now + self.typeless_millis,
            copying: Some((now, fate)),
            outgoing: Vec::new(),
            ..source.clone()
        };
        self.images.get_mut(region).unwrap().push(copy);
        let outgoing = self.images.get_mut(home).unwrap();
        let original = outgoing.iter_mut().find(|image| image.id == source.id).unwrap();
        original.outgoing.push((now, fate));
        id
    }

    fn modify(&mut self, region: &str, body: &Value) -> Result<Value, &'static str> {
        let images = self.images.get_mut(region).unwrap().iter_mut();
        let image = images.into_iter().find(|image| body["ImageId"] == json!(image.id));
        let Some(image) = image else { return Err("InvalidImageId.NotFound") };
        if let Some(text) = body["ImageDescription"].as_str() {
            image.description = text.into();
        }
        if let Some(text) = body["ImageFamily"].as_str() {
            image.family = text.into();
        }
        Ok(json!({}))
    }

    fn delete(&mut self, region: &str, account: &str, body: &Value, now: u64) -> Result<Value, &'static str> {
        let id = texts(&body["ImageIds"])[0];
        let length = self.copy_millis;
        let images = self.images.get_mut(region).unwrap();
        let image = images.iter().find(|image| image.id == id && image.is_seen(account, now));
        match image.map(|image| image.state(now, length).0) {
            None => Err("InvalidImageId.NotFound"),
            Some("SYNCING") => Err("InvalidImageId.IncorrectState"),
            Some(state) => {
                assert_eq!(state, "CREATEFAILED", "only what has failed is ever deleted: {image:?}");
                images.retain(|image| image.id != id);
                self.deleted.push(id.into());
                Ok(json!({}))
            }
        }
    }
}
