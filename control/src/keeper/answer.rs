//! What clients ask of the keeper, and what they are told.

use super::Keeper;
use crate::api::messages::{
    Changed, Checked, ConfigText, Differing, Exported, Method, NewRoute, Reply,
};
use crate::api::{Refused, Request};
use crate::change::Done;
use crate::config::{Command, Edit, Wanted, Words};
use crate::reconcile::steps;
use serde_json::json;
use std::time::Duration;

impl Keeper {
    /// Answers one client, when its change is made.
    pub(super) fn serve(&mut self, request: Request) {
        // Who was told that it takes too long may have asked again, or for something else.
        if request.reply.is_closed() {
            return;
        }
        match self.answer(&request.method) {
            Ok(reply) => request.answer(reply),
            Err(refused) => request.refuse(refused),
        }
    }

    fn answer(&mut self, method: &Method) -> Result<Reply, Refused> {
        let done = match method {
            Method::Edit(edit) => self.edit(edit)?,
            Method::RouteAdd(route) => self.edit(&route_edit(Command::RouteAdd, route))?,
            Method::RouteReplace(route) => self.edit(&route_edit(Command::RouteReplace, route))?,
            Method::RouteDel(to) => {
                let to = ("to".to_owned(), json!(to.to_string()));
                self.edit(&Edit::Do(Command::RouteDel, Words::from_iter([to])))?
            }
            Method::ConfigApply { file, confirm } => {
                let next = read(file)?;
                match confirm {
                    None => self.change(next)?,
                    Some(seconds) => {
                        self.try_out(next, Duration::from_secs(seconds.get().into()))?
                    }
                }
            }
            Method::ConfigConfirm => self.confirm()?,
            Method::ConfigRollback => self.roll_back()?,
            Method::ConfigCheck(file) => {
                let steps = steps(self.wanted(), &read(file)?).len();
                return Ok(Reply::Checked(Checked { steps }));
            }
            Method::ConfigDiff(file) => {
                let next = read(file)?;
                let steps = steps(self.wanted(), &next);
                let steps = steps.iter().map(ToString::to_string).collect();
                return Ok(Reply::Differing(Differing { steps }));
            }
            Method::ConfigExport => {
                return Ok(Reply::Exported(Exported {
                    text: self.wanted.to_toml(),
                    revision: self.revision,
                    store_trouble: self.kept.ready().err(),
                }));
            }
            // Those that state answers.
            _ => return Err(Refused(format!("{} changes nothing", method.name()))),
        };
        Ok(Reply::Changed(self.changed(done)))
    }

    fn edit(&mut self, edit: &Edit) -> Result<Done, Refused> {
        let next = self.wanted.edited(edit);
        self.change(next.map_err(|errors| Refused(errors.to_string()))?)
    }

    fn changed(&self, done: Done) -> Changed {
        let lagging = done
            .lagging
            .iter()
            .filter_map(|w| w.index().try_into().ok());
        Changed {
            lagging: lagging.collect(),
            revision: self.revision,
            later: done.later,
            unconfirmed: self.unconfirmed.is_some(),
        }
    }
}

/// A whole file; errors have its lines.
fn read(file: &ConfigText) -> Result<Wanted, Refused> {
    let wanted = Wanted::parse_bounded(&file.text, &file.name);
    wanted.map_err(|errors| Refused(errors.to_string()))
}

fn route_edit(command: Command, route: &NewRoute) -> Edit {
    let words = [
        ("to".to_owned(), json!(route.to.to_string())),
        ("via".to_owned(), json!(route.via.as_slice())),
    ];
    Edit::Do(command, Words::from_iter(words))
}
