//! Reads Rust sources and tells which module names which other module, and which crate from outside.
//!
//! It follows `mod x;` from `lib.rs` and `main.rs` as the compiler does, and reads `use` trees, paths in code,
//! the tokens inside macros, and paths in attributes.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;

use proc_macro2::Ident;
use proc_macro2::TokenStream;
use proc_macro2::TokenTree;
use syn::Attribute;
use syn::UseTree;
use syn::ext::IdentExt;
use syn::visit::Visit;

/// One mention of another module or of a crate from outside.
#[derive(Debug, Clone)]
pub(super) struct Import {
    /// The file, relative to the package.
    pub(super) file: String,
    /// The line, counted from 1.
    pub(super) line: usize,
    /// The module that names it, from the top: `["router", "plan"]`; `["lib"]` or `["main"]` for the two roots.
    pub(super) from: Vec<String>,
    /// What it names.
    pub(super) target: Target,
    /// `true` inside `#[cfg(test)]`.
    pub(super) in_test: bool,
}

/// What a path leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// A path from the root of this crate, the top-level module first.
    Ours(Vec<String>),
    /// A path from a crate that is a dependency, or from `std`.
    Outside(Vec<String>),
}

/// What has to be known of the crate as a whole to read one of its files.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    /// Dependencies as they are written in code, and `std`, `core`, `alloc`.
    pub(super) outside: BTreeSet<String>,
    /// The modules that `lib.rs` declares.
    pub(super) top_level: BTreeSet<String>,
    /// What `lib.rs` re-exports: the name and the path it stands for.
    pub(super) re_exports: BTreeMap<String, Vec<String>>,
}

/// A `mod x;`, whose source is in another file.
#[derive(Debug)]
pub(super) struct ChildFile {
    path: Vec<String>,
    in_test: bool,
}

/// All that was read.
#[derive(Debug, Default)]
pub(super) struct Sources {
    /// Every mention, in no particular order.
    pub(super) imports: Vec<Import>,
    /// The files, relative to the package.
    pub(super) files: BTreeSet<String>,
    /// The modules that `lib.rs` declares.
    pub(super) top_level: BTreeSet<String>,
}

impl Names {
    /// Reads the dependencies from `Cargo.toml`, and modules and re-exports from the text of `lib.rs`.
    pub(super) fn new(manifest: &str, lib: &str) -> Self {
        let manifest: toml::Table = manifest.parse().expect("Cargo.toml is TOML");
        let dependencies = manifest["dependencies"]
            .as_table()
            .expect("dependencies are a table");
        let mut names = Self::default();
        names
            .outside
            .extend(["std", "core", "alloc"].map(str::to_owned));
        names
            .outside
            .extend(dependencies.keys().map(|name| name.replace('-', "_")));
        for item in syn::parse_file(lib).expect("lib.rs is Rust").items {
            match item {
                syn::Item::Mod(module) => {
                    names.top_level.insert(module.ident.to_string());
                }
                syn::Item::Use(re_export) => {
                    for leaf in leaves(&re_export.tree) {
                        let from_root = leaf.path.iter().skip_while(|s| is_root(s));
                        names
                            .re_exports
                            .insert(leaf.bound, from_root.cloned().collect());
                    }
                }
                _ => {}
            }
        }
        names
    }
}

/// Reads the whole package at `root`.
pub(super) fn read_package(root: &Path) -> Sources {
    let text = |path: &Path| {
        std::fs::read_to_string(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
    };
    let names = Names::new(
        &text(&root.join("Cargo.toml")),
        &text(&root.join("src/lib.rs")),
    );
    let mut sources = Sources {
        top_level: names.top_level.clone(),
        ..Sources::default()
    };
    let mut waiting = vec![];
    for file in ["src/lib.rs", "src/main.rs"] {
        waiting.push((PathBuf::from(file), vec![], false));
    }
    while let Some((file, path, in_test)) = waiting.pop() {
        let shown = file.display().to_string();
        let (imports, children) = read(&shown, path, in_test, &text(&root.join(&file)), &names);
        sources.imports.extend(imports);
        sources.files.insert(shown);
        for child in children {
            let stem = root.join("src").join(child.path.join("/"));
            let candidates = [stem.with_extension("rs"), stem.join("mod.rs")];
            let found = candidates.iter().find(|path| path.exists());
            let found = found.unwrap_or_else(|| panic!("no file for module {:?}", child.path));
            let relative = found.strip_prefix(root).expect("joined to root above");
            waiting.push((relative.to_owned(), child.path, child.in_test));
        }
    }
    sources
}

/// Reads one file, the source of the module at `path`; for a root, that is empty.
pub(super) fn read(
    file: &str,
    path: Vec<String>,
    in_test: bool,
    text: &str,
    names: &Names,
) -> (Vec<Import>, Vec<ChildFile>) {
    let parsed = syn::parse_file(text).unwrap_or_else(|why| {
        panic!("{file}:{}: {why}", why.span().start().line);
    });
    let mut reader = Reader {
        file,
        names,
        locals: vec![local_names(&parsed.items)],
        path,
        in_test,
        imports: vec![],
        children: vec![],
    };
    reader.visit_file(&parsed);
    (reader.imports, reader.children)
}

struct Reader<'a> {
    file: &'a str,
    names: &'a Names,
    path: Vec<String>,
    /// Per enclosing module: names that a path may begin with and that are neither crates nor keywords.
    locals: Vec<BTreeSet<String>>,
    in_test: bool,
    imports: Vec<Import>,
    children: Vec<ChildFile>,
}

impl Reader<'_> {
    fn note(&mut self, line: usize, path: &[String], from_outside: bool) {
        let Some(target) = self.resolve(path, from_outside) else {
            return;
        };
        let root = || self.file.trim_start_matches("src/").trim_end_matches(".rs");
        let from = match self.path.as_slice() {
            [] => vec![root().to_owned()],
            path => path.to_vec(),
        };
        self.imports.push(Import {
            file: self.file.to_owned(),
            line,
            from,
            target,
            in_test: self.in_test,
        });
    }

    fn resolve(&self, path: &[String], from_outside: bool) -> Option<Target> {
        let (first, rest) = path.split_first()?;
        let mut full = match first.as_str() {
            "crate" | "agon" => rest.to_vec(),
            "self" | "super" => {
                let rest = path.strip_prefix(&["self".to_owned()]).unwrap_or(path);
                let up = rest.iter().take_while(|word| *word == "super").count();
                let stay = self.path.len().saturating_sub(up);
                [&self.path[..stay], &rest[up..]].concat()
            }
            name => {
                let hidden = self.locals.last().is_some_and(|here| here.contains(name));
                let is_crate = self.names.outside.contains(name) && (from_outside || !hidden);
                return is_crate.then(|| Target::Outside(path.to_vec()));
            }
        };
        let name = full.first()?;
        if !self.names.top_level.contains(name)
            && let Some(stands_for) = self.names.re_exports.get(name)
        {
            full.splice(..1, stands_for.iter().cloned());
        }
        Some(Target::Ours(full))
    }

    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<Ident> = vec![];
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ':' => {
                    colons += 1;
                    continue;
                }
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.mention(&path);
                        path.clear();
                    }
                    path.push(ident);
                    colons = 0;
                    continue;
                }
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
            self.mention(&path);
            path.clear();
            colons = 0;
        }
        self.mention(&path);
    }

    /// A path in code. One word alone is a local name, or was brought in by a `use` that is read on its own.
    fn mention(&mut self, path: &[Ident]) {
        if let [first, _, ..] = path {
            let words: Vec<String> = path.iter().map(|s| s.unraw().to_string()).collect();
            self.note(first.span().start().line, &words, false);
        }
    }

    /// `#[serde(with = "crate::types::rfc3339")]` names a module in a string.
    fn path_in_string(&mut self, token: &TokenTree) {
        if let TokenTree::Literal(literal) = token
            && let Ok(text) = syn::parse_str::<syn::LitStr>(&literal.to_string())
            && let Ok(path) = syn::parse_str::<syn::Path>(&text.value())
            && path.segments.len() > 1
        {
            let words: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
            self.note(literal.span().start().line, &words, false);
        }
    }

    fn within(&mut self, attributes: &[Attribute], visit: impl FnOnce(&mut Self)) {
        let before = self.in_test;
        self.in_test = before || attributes.iter().any(is_cfg_test);
        visit(self);
        self.in_test = before;
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        self.path.push(module.ident.unraw().to_string());
        self.within(&module.attrs, |reader| match &module.content {
            Some((_, items)) => {
                reader.locals.push(local_names(items));
                syn::visit::visit_item_mod(reader, module);
                reader.locals.pop();
            }
            None => reader.children.push(ChildFile {
                path: reader.path.clone(),
                in_test: reader.in_test,
            }),
        });
        self.path.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.within(&item.attrs, |reader| {
            for leaf in leaves(&item.tree) {
                reader.note(leaf.line, &leaf.path, item.leading_colon.is_some());
            }
        });
    }

    fn visit_item_extern_crate(&mut self, item: &'ast syn::ItemExternCrate) {
        self.within(&item.attrs, |reader| {
            let name = item.ident.unraw().to_string();
            reader.note(item.ident.span().start().line, &[name], true);
        });
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.within(&item.attrs, |reader| {
            syn::visit::visit_item_fn(reader, item)
        });
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        self.within(&item.attrs, |reader| {
            syn::visit::visit_item_impl(reader, item)
        });
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_some() {
            let words: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
            let line = path.segments[0].ident.span().start().line;
            self.note(line, &words, true);
        } else {
            let idents: Vec<Ident> = path.segments.iter().map(|s| s.ident.clone()).collect();
            self.mention(&idents);
        }
        syn::visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        self.visit_path(&mac.path);
        self.tokens(mac.tokens.clone());
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        syn::visit::visit_attribute(self, attribute);
        if let syn::Meta::List(list) = &attribute.meta {
            self.tokens(list.tokens.clone());
            for token in list.tokens.clone() {
                self.path_in_string(&token);
            }
        }
    }
}

/// One name that a `use` brings in.
struct Leaf {
    path: Vec<String>,
    bound: String,
    line: usize,
}

fn leaves(tree: &UseTree) -> Vec<Leaf> {
    fn walk(tree: &UseTree, before: &[String], found: &mut Vec<Leaf>) {
        let with = |ident: &Ident| [before, &[ident.unraw().to_string()]].concat();
        let mut leaf = |path: Vec<String>, bound: String, at: proc_macro2::Span| {
            let line = at.start().line;
            found.push(Leaf { path, bound, line });
        };
        match tree {
            UseTree::Path(path) => walk(&path.tree, &with(&path.ident), found),
            // `use a::{self}` names `a`.
            UseTree::Name(name) if name.ident == "self" && !before.is_empty() => {
                let bound = before.last().cloned().unwrap_or_default();
                leaf(before.to_vec(), bound, name.ident.span());
            }
            UseTree::Name(name) => {
                leaf(with(&name.ident), name.ident.to_string(), name.ident.span());
            }
            UseTree::Rename(name) => {
                leaf(
                    with(&name.ident),
                    name.rename.to_string(),
                    name.ident.span(),
                );
            }
            UseTree::Glob(glob) => {
                let path = [before, &["*".to_owned()]].concat();
                leaf(path, "*".to_owned(), glob.star_token.spans[0]);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    walk(tree, before, found);
                }
            }
        }
    }
    let mut found = vec![];
    walk(tree, &[], &mut found);
    found
}

/// Child modules and imported names: what hides a crate of the same name.
fn local_names(items: &[syn::Item]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for item in items {
        match item {
            syn::Item::Mod(module) => {
                names.insert(module.ident.unraw().to_string());
            }
            syn::Item::Use(item) => {
                let imported = leaves(&item.tree).into_iter();
                // `use tokio;` hides nothing.
                names.extend(
                    imported
                        .filter(|leaf| leaf.path.len() > 1)
                        .map(|leaf| leaf.bound),
                );
            }
            _ => {}
        }
    }
    names
}

fn is_root(segment: &str) -> bool {
    matches!(segment, "crate" | "self")
}

/// `true` for `#[cfg(test)]` and `#[cfg(all(test, …))]`; `#[cfg(any(test, …))]` may be built without tests.
fn is_cfg_test(attribute: &Attribute) -> bool {
    let syn::Meta::List(list) = &attribute.meta else {
        return false;
    };
    let condition = list.tokens.to_string().replace(' ', "");
    list.path.is_ident("cfg") && (condition == "test" || condition.starts_with("all(test,"))
}
