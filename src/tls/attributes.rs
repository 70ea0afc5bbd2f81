//! Subject attributes and alternative names of a certificate, by cblite-js's names or X.509's
//! (API §15.9, trust §8.1).

use std::net::IpAddr;

use rcgen::string::{Ia5String, PrintableString};
use rcgen::{DistinguishedName, DnType, DnValue, SanType};
use url::Host;

use crate::error::{Code, Error, Result};

/// Longest value of an attribute, bytes.
const MAX_VALUE: usize = 1024;
const PREFIX: &str = "certAttr";

pub(super) struct Subject {
    pub(super) name: DistinguishedName,
    pub(super) alternative_names: Vec<SanType>,
}

/// Reads pairs of name and value.
///
/// # Errors
/// `InvalidParameter` naming the attribute that is unknown, given twice or badly valued, or saying
/// that the common name is missing; `Unsupported` for a registered ID.
pub(super) fn parse(attributes: &[(String, String)]) -> Result<Subject> {
    let mut subject = Subject {
        name: DistinguishedName::new(),
        alternative_names: Vec::new(),
    };
    let mut common_name = None;
    for (name, value) in attributes {
        if value.is_empty() || value.len() > MAX_VALUE {
            return Err(Error::invalid(format!(
                "certificate attribute {name:?} is {} bytes, must be 1 to {MAX_VALUE}",
                value.len()
            )));
        }
        let bad = |what: &str| {
            Error::invalid(format!(
                "certificate attribute {name:?} is {value:?}, {what}"
            ))
        };
        let kind = match Attribute::named(name) {
            Some(Attribute::Name(kind)) => kind,
            Some(Attribute::Alternative(make)) => {
                let san = make(value).ok_or_else(|| bad("which is not of that kind"))?;
                subject.alternative_names.push(san);
                continue;
            }
            Some(Attribute::RegisteredId) => {
                return Err(Error::lite(
                    Code::Unsupported,
                    format!("certificate attribute {name:?} is not supported"),
                ));
            }
            None => {
                return Err(Error::invalid(format!(
                    "unknown certificate attribute {name:?}"
                )));
            }
        };
        if subject.name.get(&kind).is_some() {
            return Err(bad("but was given before"));
        }
        let dn_value = if kind == DnType::CountryName {
            let code = PrintableString::try_from(value.as_str()).ok();
            code.filter(|_| value.len() == 2)
                .map(DnValue::PrintableString)
                .ok_or_else(|| bad("must be a country code of two letters"))?
        } else {
            DnValue::Utf8String(value.clone())
        };
        if kind == DnType::CommonName {
            common_name = Some(value.clone());
        }
        subject.name.push(kind, dn_value);
    }
    let Some(common_name) = common_name else {
        return Err(Error::invalid("The Common Name attribute is required"));
    };
    if let Some(name) = as_host_name(&common_name)
        && !subject.alternative_names.contains(&name)
    {
        subject.alternative_names.push(name);
    }
    Ok(subject)
}

enum Attribute {
    Name(DnType),
    Alternative(fn(&str) -> Option<SanType>),
    RegisteredId,
}

impl Attribute {
    fn named(name: &str) -> Option<Self> {
        let oid = |last| Self::Name(DnType::CustomDnType(vec![2, 5, 4, last]));
        Some(match name.strip_prefix(PREFIX).unwrap_or(name) {
            "CommonName" | "CN" => Self::Name(DnType::CommonName),
            "Pseudonym" | "pseudonym" => oid(65),
            "GivenName" | "GN" => oid(42),
            "Surname" | "SN" => oid(4),
            "Organization" | "O" => Self::Name(DnType::OrganizationName),
            "OrganizationUnit" | "OU" => Self::Name(DnType::OrganizationalUnitName),
            "PostalAddress" | "postalAddress" => oid(16),
            "Locality" | "L" => Self::Name(DnType::LocalityName),
            "PostalCode" | "postalCode" => oid(17),
            "StateOrProvince" | "ST" => Self::Name(DnType::StateOrProvinceName),
            "Country" | "C" => Self::Name(DnType::CountryName),
            "EmailAddress" | "rfc822Name" => {
                Self::Alternative(|value| ia5(value).map(SanType::Rfc822Name))
            }
            "Hostname" | "dNSName" => Self::Alternative(|value| ia5(value).map(SanType::DnsName)),
            "URL" | "uniformResourceIdentifier" => {
                Self::Alternative(|value| ia5(value).map(SanType::URI))
            }
            "IPAddress" | "iPAddress" => Self::Alternative(|value| {
                let address: IpAddr = value.parse().ok()?;
                Some(SanType::IpAddress(address))
            }),
            "RegisteredID" | "registeredID" => Self::RegisteredId,
            _ => return None,
        })
    }
}

fn ia5(value: &str) -> Option<Ia5String> {
    Ia5String::try_from(value).ok()
}

/// The common name as an alternative name when it is a host name: peers that check names look
/// nowhere else. A single word other than `localhost` is taken for a plain name.
fn as_host_name(common_name: &str) -> Option<SanType> {
    let is_dotted = common_name.contains('.') || common_name == "localhost";
    match Host::parse(common_name).ok()? {
        Host::Domain(domain) if is_dotted && domain == common_name => {
            ia5(common_name).map(SanType::DnsName)
        }
        Host::Ipv4(address) if address.to_string() == common_name => {
            Some(SanType::IpAddress(address.into()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(attributes: &[(&str, &str)]) -> Result<Subject> {
        let owned: Vec<_> = attributes
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        parse(&owned)
    }

    #[test]
    fn both_kinds_of_names_are_read() {
        let subject = read(&[
            ("certAttrCommonName", "Anna"),
            ("certAttrSurname", "Berg"),
            ("O", "Settee"),
            ("C", "CH"),
            ("certAttrHostname", "anna.example"),
            ("iPAddress", "::1"),
        ])
        .unwrap();
        assert_eq!(subject.name.iter().count(), 4);
        assert_eq!(subject.alternative_names.len(), 2);
    }

    #[test]
    fn a_common_name_that_is_a_host_name_is_repeated_as_alternative_name() {
        for (name, count) in [
            ("peer", 0),
            ("Anna Berg", 0),
            ("St. Gallen", 0),
            ("localhost", 1),
            ("desk.example.org", 1),
            ("10.0.0.1", 1),
        ] {
            let subject = read(&[("CN", name)]).unwrap();
            assert_eq!(subject.alternative_names.len(), count, "{name}");
        }
    }

    #[test]
    fn bad_attributes_are_named() {
        for (attributes, wanted) in [
            (&[("O", "x")][..], "The Common Name attribute is required"),
            (
                &[("CN", "x"), ("Shoe", "44")],
                "unknown certificate attribute \"Shoe\"",
            ),
            (&[("CN", "")], "0 bytes"),
            (&[("CN", "x"), ("CN", "y")], "given before"),
            (&[("CN", "x"), ("C", "Schweiz")], "two letters"),
            (&[("CN", "x"), ("iPAddress", "1.2.3")], "not of that kind"),
            (&[("CN", "x"), ("registeredID", "1.2.3")], "not supported"),
        ] {
            let message = read(attributes).err().unwrap().message().to_owned();
            assert!(message.contains(wanted), "{message}");
        }
    }
}
