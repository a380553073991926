//! The regions of the service, as the default seed has them.

use crate::seed::{Region, RegionState, Zone};

/// Id and name of a region, whether it is available, its number, and the numbers of its zones.
type Row = (&'static str, &'static str, RegionState, u32, &'static [u32]);

/// The regions that the endpoint serves by default.
///
/// The first seventeen are what the service lists. The finance regions are apart from the others: images go from one
/// to another of them, and never across. One closed region stays on the list as unavailable.
const SERVED: [Row; 20] = {
    use RegionState::{Available, Unavailable};
    [
        ("ap-shanghai", "East China (Shanghai)", Available, 4, &[2, 3, 4, 5, 8]),
        ("ap-nanjing", "East China (Nanjing)", Available, 33, &[1, 2, 3]),
        ("ap-guangzhou", "South China (Guangzhou)", Available, 1, &[1, 2, 3, 4, 6, 7]),
        ("ap-beijing", "North China (Beijing)", Available, 8, &[1, 3, 4, 5, 6, 7]),
        ("ap-chengdu", "Southwest China (Chengdu)", Available, 16, &[1, 2]),
        ("ap-chongqing", "Southwest China (Chongqing)", Available, 19, &[1]),
        ("ap-hongkong", "Hong Kong, Macao and Taiwan (Hong Kong, China)", Available, 5, &[1, 2, 3]),
        ("ap-seoul", "Northeast Asia (Seoul)", Available, 18, &[1, 2]),
        ("ap-tokyo", "Northeast Asia (Tokyo)", Available, 25, &[1, 2]),
        ("ap-singapore", "Southeast Asia (Singapore)", Available, 9, &[1, 2, 3, 4]),
        ("ap-bangkok", "Southeast Asia (Bangkok)", Available, 23, &[1, 2]),
        ("ap-jakarta", "Southeast Asia (Jakarta)", Available, 72, &[1, 2]),
        ("na-siliconvalley", "US West (Silicon Valley)", Available, 15, &[1, 2]),
        ("eu-frankfurt", "Europe (Frankfurt)", Available, 17, &[1, 2]),
        ("na-ashburn", "US East (Virginia)", Available, 22, &[1, 2]),
        ("sa-saopaulo", "South America (São Paulo)", Available, 74, &[1]),
        ("me-saudi-arabia", "Middle East (Riyadh)", Available, 101, &[1]),
        ("ap-shanghai-fsi", "East China (Shanghai Finance)", Available, 7, &[2, 3, 4]),
        ("ap-shenzhen-fsi", "South China (Shenzhen Finance)", Available, 11, &[1, 2, 3]),
        ("ap-mumbai", "South Asia (Mumbai)", Unavailable, 21, &[1, 2]),
    ]
};

/// Regions that the service knows by name and that serve none of its actions.
const KNOWN: [&str; 4] = ["ap-guangzhou-open", "ap-shanghai-adc", "eu-moscow", "na-toronto"];

/// Id and name of each region that the endpoint serves by default: those that the service lists.
pub fn regions() -> impl Iterator<Item = (&'static str, &'static str)> {
    SERVED.iter().map(|(id, name, ..)| (*id, *name))
}

pub(crate) fn served() -> Vec<Region> {
    let region = |&(id, name, state, number, zones): &Row| Region {
        id: id.into(),
        name: name.into(),
        state,
        zones: zones.iter().map(|zone| self::zone(id, name, number, *zone)).collect(),
        ..Region::default()
    };
    SERVED.iter().map(region).collect()
}

/// A zone as the service names it: `ap-guangzhou-3` is `Guangzhou Zone 3` and has the id `100003`.
fn zone(region: &str, name: &str, number: u32, zone: u32) -> Zone {
    let city = name.rsplit_once('(').map_or(name, |(_, city)| city.trim_end_matches(')'));
    Zone {
        zone: format!("{region}-{zone}"),
        name: format!("{city} Zone {zone}"),
        id: (number * 100_000 + zone).to_string(),
        state: RegionState::Available,
    }
}

pub(crate) fn is_known(id: &str) -> bool {
    KNOWN.contains(&id)
}
