//! A profile: what the ini file and the files of tccli have under one name.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use cvm_proto::{Error, input};

use crate::credential_setting::CredentialSetting;
use crate::environment::Environment;
use crate::file::{self, FilePath};
use crate::ini::{Ini, KeyValue, Section};
use crate::origin::Origin;
use crate::place::Place;
use crate::setting::Setting;
use crate::source::CredentialSource;
use crate::tccli;

/// Where the ini file is below the home folder.
pub(crate) const INI: &str = ".tencentcloud/credentials";
/// The variable that names another one.
pub(crate) const FILE_VARIABLE: &str = "TENCENTCLOUD_CREDENTIALS_FILE";

/// The files that profiles are in.
pub(crate) struct Files<'a> {
    environment: &'a Environment,
    /// The ini file as messages write it, and what is in it; or where it was searched.
    ini: Result<(String, Ini), String>,
    pub(crate) warnings: Vec<String>,
}

/// Where the ini file is, and whether it was named.
pub(crate) fn ini_path(environment: &Environment) -> Result<Option<(FilePath, bool)>, Error> {
    if let Some(named) = environment.var(FILE_VARIABLE)? {
        return Ok(Some((environment.path(&named), true)));
    }
    Ok(environment.at_home(INI).map(|path| (path, false)))
}

impl<'a> Files<'a> {
    pub(crate) fn read(environment: &'a Environment) -> Result<Self, Error> {
        let mut files = Self { environment, ini: Err(String::new()), warnings: Vec::new() };
        let mut searched = Vec::new();
        let own = ini_path(environment)?;
        let is_named = own.as_ref().is_some_and(|(_, is_named)| *is_named);
        let system = environment.at_system("credentials").filter(|_| !is_named);
        for (path, is_own) in
            own.map(|(path, _)| (path, true)).into_iter().chain(system.map(|path| (path, false)))
        {
            let shown = environment.show(&path);
            let Some(text) = file::read(environment, &path)? else {
                searched.push(shown);
                continue;
            };
            let ini =
                Ini::parse(&text).map_err(|(line, what)| Error::config(format!("{shown}:{line}: {what}")))?;
            // A file for all users is there to be read by them.
            files.warnings.extend(environment.too_wide(&path).filter(|_| is_own));
            files.ini = Ok((shown, ini));
            return Ok(files);
        }
        if is_named {
            return Err(Error::config(format!(
                "{FILE_VARIABLE} names {}, which is not there: write it, or unset the variable",
                searched.join("")
            )));
        }
        files.ini =
            Err(if searched.is_empty() { "there is no home folder".into() } else { not_there(&searched) });
        Ok(files)
    }

    /// Whether there is a profile of this name.
    pub(crate) fn has(&self, profile: &str) -> Result<bool, Error> {
        Ok(self.section(profile).is_some() || tccli::has(self.environment, profile)?)
    }

    /// The names of all profiles, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        let in_ini = self.ini.iter().flat_map(|(_, ini)| ini.names().map(str::to_owned));
        let mut names: Vec<String> = Vec::new();
        for name in tccli::names(self.environment).into_iter().chain(in_ini) {
            if let Err(place) = names.binary_search(&name) {
                names.insert(place, name);
            }
        }
        names
    }

    /// The error of a profile that somebody named and nobody wrote.
    pub(crate) fn missing(&self, profile: &str, origin: &Origin) -> Error {
        let names = self.names();
        let known = match names.len() {
            0 => "there are none".to_owned(),
            _ => format!("there are {}", names.join(", ")),
        };
        let shown = input::excerpt(profile);
        let command = format!("`cvm configure --profile {shown}`");
        let what_to_do = match input::closest(profile, names.iter().map(String::as_str)) {
            Some(meant) => format!("did you mean `{meant}` ({known})? {command} writes a new one"),
            None => format!("name another ({known}), or write it with {command}"),
        };
        origin.error(&format!("there is no profile `{shown}`: {what_to_do}"))
    }

    /// The settings of a profile, those that count more first.
    pub(crate) fn settings(&self, profile: &str) -> Result<Vec<(Setting, String, Origin)>, Error> {
        let mut found = Vec::new();
        if let Some((path, section)) = self.section(profile) {
            for setting in Setting::ALL.into_iter().filter(|setting| *setting != Setting::Profile) {
                if let Some(entry) = section.get(setting.name()) {
                    found.push((setting, entry.value.clone(), origin(path, entry)));
                } else if let Some(former) = setting.former()
                    && let Some(entry) = section.get(former.key)
                {
                    let refused = former.refused(&entry.value, setting.name(), " = ");
                    return Err(origin(path, entry).blame(&refused));
                }
            }
        }
        found.extend(tccli::settings(self.environment, profile)?);
        Ok(found)
    }

    /// Where the credential of a profile comes from, or what the profile lacks.
    pub(crate) fn source(&mut self, profile: &str) -> Result<Result<CredentialSource, String>, Error> {
        self.follow(profile, &mut Vec::new())
    }

    fn follow(
        &mut self,
        profile: &str,
        seen: &mut Vec<String>,
    ) -> Result<Result<CredentialSource, String>, Error> {
        let ini = match self.ini_source(profile, seen)? {
            Ok(source) => return Ok(Ok(source)),
            Err(lack) => lack,
        };
        let (source, warning) = tccli::source(self.environment, profile)?;
        self.warnings.extend(warning);
        Ok(source.map_err(|lack| if lack == ini { lack } else { format!("{ini}, {lack}") }))
    }

    fn ini_source(
        &mut self,
        profile: &str,
        seen: &mut Vec<String>,
    ) -> Result<Result<CredentialSource, String>, Error> {
        let (path, section) = match (&self.ini, self.section(profile)) {
            (Err(lack), _) => return Ok(Err(lack.clone())),
            (Ok((path, _)), None) => return Ok(Err(format!("{path} has no section `{profile}`"))),
            (Ok(_), Some(found)) => found,
        };
        let get = |key: &str| section.get(key).map(|entry| (entry.value.clone(), origin(path, entry)));
        let in_profile = |setting: CredentialSetting| {
            Ok(if setting.is_in_profiles() { get(setting.name()) } else { None })
        };
        let placed = Place::new(self.environment, &in_profile).read()?;
        let lack = format!("{path} has no secret_id and secret_key in section `{profile}`");
        let (source, instance) = (get("source_profile"), get("instance_role"));
        let base = match (placed.keys, source) {
            (Some(keys), _) => Ok(keys.written_in(self.environment, profile)),
            (None, Some((name, origin))) => self.base_source(profile, &name, &origin, seen)?,
            (None, None) => {
                let found = placed.process.or(placed.web_identity);
                found.or_else(|| instance.and_then(|(role, _)| self::instance(&role))).ok_or(lack)
            }
        };
        Ok(match (base, placed.role) {
            (base, None) => base,
            (Ok(base), Some(role)) => Ok(base.in_role(role)),
            (Err(_), Some(role)) => {
                return Err(role.origin.error(
                    "role_arn needs a credential to assume the role with: write secret_id and secret_key, \
                     source_profile, credential_process or instance_role beside it",
                ));
            }
        })
    }

    /// The source of the profile that another one names.
    fn base_source(
        &mut self,
        profile: &str,
        name: &str,
        origin: &Origin,
        seen: &mut Vec<String>,
    ) -> Result<Result<CredentialSource, String>, Error> {
        seen.push(profile.to_owned());
        if seen.iter().any(|seen| seen == name) {
            return Err(origin
                .error(&format!("source_profile `{name}` leads back to itself: name a profile with a key")));
        }
        if !self.has(name)? {
            let names = self.names();
            let what_to_do = match input::closest(name, names.iter().map(String::as_str)) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("name one of {}", names.join(", ")),
            };
            return Err(origin.error(&format!(
                "source_profile: there is no profile `{}`: {what_to_do}",
                input::excerpt(name)
            )));
        }
        match self.follow(name, seen)? {
            Ok(source) => Ok(Ok(source)),
            Err(lack) => Err(origin.error(&format!("source_profile `{name}` has no credential: {lack}"))),
        }
    }

    fn section(&self, profile: &str) -> Option<(&str, &Section)> {
        let (path, ini) = self.ini.as_ref().ok()?;
        Some((path, ini.section(profile)?))
    }
}

fn not_there(searched: &[String]) -> String {
    match searched {
        [one] => format!("{one} is not there"),
        _ => format!("{} are not there", searched.join(" and ")),
    }
}

fn origin(path: &str, entry: &KeyValue) -> Origin {
    Origin::File { path: path.to_owned(), line: entry.line }
}

/// The source that the setting `instance_role` asks for.
pub(crate) fn instance(role: &str) -> Option<CredentialSource> {
    match role {
        "off" => None,
        "any" => Some(CredentialSource::InstanceRole { role: None }),
        role => Some(CredentialSource::InstanceRole { role: Some(role.into()) }),
    }
}

/// Where `cvm configure` writes, and where `load` reads first; and whether it was named.
#[cfg(feature = "write")]
pub(crate) fn writable(environment: &Environment) -> Result<(FilePath, bool), Error> {
    match ini_path(environment)? {
        Some(place) => Ok(place),
        None => Err(Error::config(format!(
            "there is no home folder to write {INI} into: set HOME, or name a file in {FILE_VARIABLE}"
        ))),
    }
}
