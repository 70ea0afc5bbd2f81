//! Queries and live queries (API §7, §13.4, §15.8).

use std::sync::Arc;

use serde_json::Value as Json;

use super::args::Args;
use super::documents::Waiting;
use super::functions::{Job, database_lane};
use super::handles::OpenDatabase;
use super::message::{Outcome, put_string};
use super::port::Completer;
use super::runtime::Runtime;
use super::tokens::Source;
use super::{batch, shown};
use crate::database::{QueryParameters, QueryStop, ReadTx};
use crate::error::{Error, Result};
use crate::query::value::Value;

/// `query_Execute {name, query, parameters}` → `{data}`, the rows as JSON text, as it comes over.
pub(super) struct QueryCall {
    /// Handle of the database.
    pub(super) database: String,
    pub(super) query: String,
    /// As JSON text.
    pub(super) parameters: String,
    /// Whether the rows themselves are wanted.
    pub(super) as_rows: bool,
}

impl QueryCall {
    /// Finds the database and reads the parameters.
    ///
    /// # Errors
    /// `InvalidParameter`; `NotOpen` for an unknown handle.
    pub(super) fn prepare(&self, runtime: &Runtime) -> Result<(Arc<OpenDatabase>, PreparedQuery)> {
        let open = runtime.databases.get(&self.database)?;
        let prepared = PreparedQuery {
            query: self.query.clone(),
            parameters: parameters_of_text(&self.parameters)?,
            stop: open.database.query_stop(),
            as_rows: self.as_rows,
        };
        Ok((open, prepared))
    }
}

/// A query whose arguments are known to be good.
pub(super) struct PreparedQuery {
    query: String,
    parameters: QueryParameters,
    stop: QueryStop,
    as_rows: bool,
}

impl PreparedQuery {
    /// Its rows.
    pub(super) fn run(&self, tx: &ReadTx<'_>) -> Result<Outcome> {
        let result = tx.stoppable_query(&self.query, &self.parameters, &self.stop)?;
        Ok(self.outcome(result.json))
    }

    /// The same, or `None` when it takes too long for the event loop's thread.
    pub(super) fn run_quickly(&self, tx: &ReadTx<'_>) -> Result<Option<Outcome>> {
        let result = tx.quick_query(&self.query, &self.parameters, &self.stop)?;
        Ok(result.map(|result| self.outcome(result.json)))
    }

    fn outcome(&self, rows: String) -> Outcome {
        if self.as_rows {
            Outcome::Rows(rows)
        } else {
            Outcome::Text(rows)
        }
    }
}

/// Runs a query, behind what waits in its database's lane.
pub(super) fn dispatch(runtime: &'static Runtime, call: QueryCall, completer: Completer) {
    if runtime.lanes.any_busy() {
        let lane = database_lane(runtime, call.database.clone());
        if runtime.lanes.is_busy(&lane) {
            return runtime.push(&lane, Box::new(move || enqueue(runtime, &call, completer)));
        }
    }
    enqueue(runtime, &call, completer);
}

fn enqueue(runtime: &Runtime, call: &QueryCall, completer: Completer) {
    match call.prepare(runtime) {
        Ok((open, query)) => batch::read(&open, move |tx| query.run(tx), completer),
        Err(error) => completer.done(Err(error)),
    }
}

/// Runs a query on this thread if nothing is before it and it is quick; gives it back otherwise.
pub(super) fn run_inline(
    runtime: &'static Runtime,
    call: QueryCall,
) -> Result<Result<Outcome>, Waiting> {
    if runtime.lanes.any_busy() {
        return Err(Box::new(move |completer| {
            dispatch(runtime, call, completer)
        }));
    }
    let (open, query) = match call.prepare(runtime) {
        Ok(prepared) => prepared,
        Err(error) => return Ok(Err(error)),
    };
    if !batch::is_gathering(&open) {
        let work = |tx: &ReadTx<'_>| query.run_quickly(tx);
        let ran = open.database.try_read_inline(work);
        if let Some(result) = ran.unwrap_or(Ok(None)).transpose() {
            return Ok(result);
        }
    }
    Err(Box::new(move |completer| {
        batch::read(&open, move |tx| query.run(tx), completer);
    }))
}

/// `query_Explain {name, query, parameters}` → `{data}`: SQL, plan, JSON form.
pub(super) fn explain(args: &Args<'_>) -> Result<Job> {
    let open = args.database()?;
    let query = args.text("query")?.to_owned();
    parameters(args.field("parameters"))?;
    Ok(Box::new(move |completer| {
        batch::read(
            &open,
            move |tx| tx.explain(&query).map(Outcome::Text),
            completer,
        );
    }))
}

/// `query_AddChangeListener {name, query, parameters, changeListenerToken}`.
pub(super) fn add_listener(args: &Args<'_>, completer: &Completer) -> Result<Outcome> {
    let open = args.database()?;
    let query = args.text("query")?;
    let parameters = parameters(args.field("parameters"))?;
    let tokens = &args.runtime.tokens;
    let name = args.text("changeListenerToken")?;
    let token = tokens.reserve(name, completer.port())?;
    let sender = Arc::clone(&token);
    let added = open.database.add_live_query(
        query,
        parameters,
        Arc::new(move |rows| sender.send(&payload(rows))),
    );
    match added {
        Ok(live_query) => {
            tokens.bind(
                &token,
                Source::Query {
                    database: open,
                    live_query,
                },
            );
            Ok(Outcome::Nothing)
        }
        Err(error) => {
            let _ = tokens.remove(name);
            Err(error)
        }
    }
}

/// `{data}`, or `{data: '[]', error}` (API §15.7).
fn payload(rows: Result<&str>) -> String {
    let mut text = String::new();
    match rows {
        Ok(rows) => {
            text.reserve(rows.len() + rows.len() / 8 + 16);
            text.push_str("{\"data\":");
            put_string(&mut text, rows);
        }
        Err(error) => {
            text.push_str("{\"data\":\"[]\",\"error\":");
            put_string(&mut text, error.message());
        }
    }
    text.push('}');
    text
}

fn parameters_of_text(text: &str) -> Result<QueryParameters> {
    if text.is_empty() {
        return Ok(QueryParameters::new());
    }
    let json: Json = serde_json::from_str(text)
        .map_err(|error| Error::invalid(format!("argument \"parameters\" is not JSON: {error}")))?;
    parameters(&json)
}

/// `{[name]: {value, type} | null}`, such a thing inside of `_parameters`, or `[name, type, value,
/// …]`; or the JSON text of one.
fn parameters(json: &Json) -> Result<QueryParameters> {
    let mut parameters = QueryParameters::new();
    let json = json.get("_parameters").unwrap_or(json);
    let entries = match json {
        Json::Null => return Ok(parameters),
        Json::String(text) => return parameters_of_text(text),
        Json::Array(flat) => {
            for entry in flat.chunks(3) {
                let [name, kind, value] = entry else {
                    return Err(Error::invalid(
                        "argument \"parameters\" has not three values for each",
                    ));
                };
                let (name, kind) = (name.as_str(), kind.as_str());
                set(
                    &mut parameters,
                    name.unwrap_or_default(),
                    kind.unwrap_or_default(),
                    value,
                )?;
            }
            return Ok(parameters);
        }
        Json::Object(entries) => entries,
        _ => return Err(Error::invalid("argument \"parameters\" must be an object")),
    };
    for (name, entry) in entries {
        // Removed ones are null.
        let Json::Object(entry) = entry else { continue };
        let value = entry.get("value").unwrap_or(&Json::Null);
        let kind = entry.get("type").and_then(Json::as_str).unwrap_or_default();
        set(&mut parameters, name, kind, value)?;
    }
    Ok(parameters)
}

fn set(parameters: &mut QueryParameters, name: &str, kind: &str, value: &Json) -> Result<()> {
    let mismatch = || {
        Error::invalid(format!(
            "query parameter {:?} of type {kind:?} has a value of another type",
            shown(name)
        ))
    };
    let value = match (kind, value) {
        ("value", value) => return parameters.set_json(name, &value.to_string()),
        ("string" | "boolean" | "int" | "long" | "float" | "double" | "date", Json::Null) => {
            Value::Null
        }
        ("string", Json::String(text)) => Value::string(text.clone()),
        ("boolean", Json::Bool(value)) => Value::Boolean(*value),
        ("int" | "long", Json::Number(number)) => {
            let whole = |number: f64| number.trunc() as i64;
            let integer = number.as_i64().or_else(|| number.as_f64().map(whole));
            Value::Integer(integer.ok_or_else(mismatch)?)
        }
        ("float" | "double", Json::Number(number)) => {
            Value::Double(number.as_f64().ok_or_else(mismatch)?)
        }
        ("date", Json::String(text)) => Value::string(utc(text).ok_or_else(mismatch)?),
        ("string" | "boolean" | "int" | "long" | "float" | "double" | "date", _) => {
            return Err(mismatch());
        }
        _ => {
            return Err(Error::invalid(format!(
                "query parameter {:?} has the unknown type {:?}",
                shown(name),
                shown(kind)
            )));
        }
    };
    parameters.set(name, value);
    Ok(())
}

/// A date with milliseconds in UTC.
fn utc(text: &str) -> Option<String> {
    let date: jiff::Timestamp = text.parse().ok()?;
    let milliseconds = jiff::Timestamp::from_millisecond(date.as_millisecond()).ok()?;
    Some(format!("{milliseconds:.3}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn one(kind: &str, value: Json) -> Result<QueryParameters> {
        parameters(&json!({"p": {"name": "p", "value": value, "type": kind}}))
    }

    fn is(kind: &str, value: Json, expected: Value<'static>) {
        let mut wanted = QueryParameters::new();
        wanted.set("p", expected);
        assert_eq!(one(kind, value).unwrap(), wanted, "{kind}");
    }

    #[test]
    fn a_parameter_is_bound_by_its_type() {
        is("int", json!(5), Value::Integer(5));
        is("int", json!(-5.9), Value::Integer(-5));
        is(
            "long",
            json!(9_007_199_254_740_993_i64),
            Value::Integer(9_007_199_254_740_993),
        );
        is("double", json!(5), Value::Double(5.0));
        is("float", json!(0.1), Value::Double(0.1));
        is("boolean", json!(true), Value::Boolean(true));
        is("string", json!("x"), Value::str("x"));
        is("string", json!(null), Value::Null);
        is("value", json!(5), Value::Integer(5));
        is("value", json!(5.5), Value::Double(5.5));
        is("value", json!("a\"b"), Value::str("a\"b"));
        is("value", json!(null), Value::Null);
        is(
            "date",
            json!("2020-02-03T04:05:06Z"),
            Value::str("2020-02-03T04:05:06.000Z"),
        );
        is(
            "date",
            json!("2020-02-03T04:05:06.7+01:30"),
            Value::str("2020-02-03T02:35:06.700Z"),
        );
    }

    #[test]
    fn removed_parameters_are_skipped_and_bad_ones_refused() {
        let none = QueryParameters::new();
        assert_eq!(parameters(&json!({"p": null, "q": 3})).unwrap(), none);
        assert_eq!(
            parameters(&json!({"_parameters": {"p": null}})).unwrap(),
            none
        );
        assert_eq!(parameters(&Json::Null).unwrap(), none);
        assert_eq!(parameters(&json!("")).unwrap(), none);
        let two = parameters(&json!(["p", "int", 5, "q", "string", null])).unwrap();
        let same = json!({"p": {"type": "int", "value": 5}, "q": {"type": "string"}});
        assert_eq!(two, parameters(&same).unwrap());
        assert_eq!(two, parameters(&json!(same.to_string())).unwrap());
        assert!(parameters(&json!("{")).is_err());
        for bad in [json!([1]), json!(["p", "int"]), json!(["p", null, 1])] {
            assert!(parameters(&bad).is_err(), "{bad}");
        }
        for (kind, value) in [
            ("uuid", json!("x")),
            ("int", json!("5")),
            ("string", json!(5)),
            ("date", json!("yesterday")),
            ("boolean", json!(1)),
        ] {
            assert!(one(kind, value).is_err(), "{kind}");
        }
    }
}
