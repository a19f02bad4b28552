#!/bin/sh
# Puts the chapters' notebooks on a branch of their own, from where Colab, Kaggle and Binder open them:
#   PUSH_TO=ADDRESS sh tools/push_notebooks.sh
# The branch holds the notebooks of the built site and nothing else, in one commit. Without PUSH_TO nothing is pushed.
set -eu
from=_build/html/notebooks
branch=notebooks
[ -d "$from" ] || { echo "The site must be built first. Run: make book" >&2; exit 1; }
if [ -z "${PUSH_TO:-}" ]; then
  echo "PUSH_TO is not set: the notebooks in $from are pushed nowhere."
  exit 0
fi
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cp "$from"/* "$place"
cd "$place"
git init --quiet --initial-branch="$branch"
git add .
git -c user.name="${GITHUB_ACTOR:-course}" -c user.email="${GITHUB_ACTOR:-course}@users.noreply.github.com" \
  commit --quiet --message "The chapters as notebooks"
git push --quiet --force "$PUSH_TO" "$branch"
echo "The chapters' notebooks are on the branch $branch."
