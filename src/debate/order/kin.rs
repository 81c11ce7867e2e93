//! Who is kin of whom in a cast: what a caller should know before the debate begins.

use std::collections::BTreeSet;

use super::check::Check;
use crate::debate::decide::family;
use crate::types::ModelName;
use crate::types::debate::CastMember;
use crate::types::debate::Family;
use crate::types::debate::Format;
use crate::types::debate::RoleKind;

impl Check<'_> {
    /// A cast that breaks a format's wish runs all the same: people debate with the models they have.
    pub(super) fn families(&mut self, format: &Format, cast: &[CastMember]) {
        for role in &format.roles {
            let of_role: Vec<&CastMember> = cast
                .iter()
                .filter(|member| member.role == role.id)
                .collect();
            let distinct: BTreeSet<&ModelName> =
                of_role.iter().map(|member| &member.model).collect();
            if role.family == Family::Distinct
                && of_role.len() > 1
                && distinct.len() < of_role.len()
            {
                self.warnings.push(format!(
                    "several {}s share a model: different models find more",
                    role.id
                ));
            }
            if role.family == Family::NotDebaters {
                self.kin(format, &of_role, cast);
            }
        }
    }

    /// Those who should be no kin of the debaters, and are.
    fn kin(&mut self, format: &Format, of_role: &[&CastMember], cast: &[CastMember]) {
        let debates = |member: &&CastMember| {
            let role = format.role(&member.role);
            member.human.is_none() && role.is_some_and(|role| role.kind == RoleKind::Debater)
        };
        for judge in of_role.iter().filter(|judge| judge.human.is_none()) {
            let family = family(&judge.model);
            let mut debaters = cast.iter().filter(debates);
            if let Some(debater) = debaters.find(|it| self::family(&it.model) == family) {
                self.warnings.push(format!(
                    "{} is of the same family of models as {} ({family}): judges favour their own kind",
                    judge.name, debater.name
                ));
            }
        }
    }
}
