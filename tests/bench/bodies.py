"""The two bodies that requests carry: 300 bytes, and about 21 KB as GitHub sends for a pull request. The second is read from
@octokit/webhooks-examples when tests/peers has it installed; else it is made here, the same on every machine."""
import json, pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
EXAMPLES = ROOT / "tests/peers/node_modules/@octokit/webhooks-examples/api.github.com/index.json"
LINKS = """assignees blobs branches{/branch} collaborators comments commits compare contents contributors deployments downloads events
    forks git_commits git_refs git_tags hooks issue_comment issue_events issues keys labels languages merges milestones
    notifications pulls releases stargazers statuses subscribers subscription tags teams trees""".split()


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def user(name, number):
    api = f"https://api.github.com/users/{name}"
    return {"login": name, "id": number, "node_id": f"MDQ6VXNlc{number}", "avatar_url": f"https://avatars.example.com/u/{number}?v=4",
            "gravatar_id": "", "url": api, "html_url": f"https://github.com/{name}",
            **{f"{w}_url": f"{api}/{w}" for w in ("followers", "following", "gists", "starred", "subscriptions", "organizations",
                                                  "repos", "events", "received_events")}, "type": "User", "site_admin": False}


def repository(owner, name, number):
    api = f"https://api.github.com/repos/{owner}/{name}"
    return {"id": number, "node_id": f"MDEwOlJlcG9zaXRvcnk{number}", "name": name, "full_name": f"{owner}/{name}", "private": False,
            "owner": user(owner, 21031067), "html_url": f"https://github.com/{owner}/{name}", "description": None, "fork": False,
            "url": api, **{f"{w.split('{')[0]}_url": f"{api}/{w}" for w in LINKS}, "created_at": "2019-05-15T15:19:25Z",
            "updated_at": "2019-05-15T15:19:27Z", "pushed_at": "2019-05-15T15:20:32Z", "git_url": f"git://github.com/{owner}/{name}.git",
            "size": 0, "stargazers_count": 0, "watchers_count": 0, "language": None, "has_issues": True, "has_wiki": True,
            "forks_count": 0, "archived": False, "disabled": False, "open_issues_count": 2, "license": None, "default_branch": "main"}


def pull_request():
    repo, author = repository("octocat", "hello-world", 186853002), user("octocat", 21031067)
    api = repo["url"]
    side = lambda ref, sha: {"label": f"octocat:{ref}", "ref": ref, "sha": sha, "user": author, "repo": repo}
    links = {w: {"href": f"{api}/pulls/2/{w}"} for w in ("self", "html", "issue", "comments", "review_comments", "commits", "statuses")}
    return {"action": "opened", "number": 2,
            "pull_request": {"url": f"{api}/pulls/2", "id": 279147437, "node_id": "MDExOlB1bGxSZXF1ZXN0Mjc5MTQ3NDM3", "number": 2,
                             "state": "open", "locked": False, "title": "Update the README with new information.", "user": author,
                             "body": "This is a pretty simple change that we need to pull into main.\r\n\r\n\"Quoted\", naïve, ✓.",
                             "created_at": "2019-05-15T15:20:33Z", "merged_at": None, "assignee": None, "assignees": [author],
                             "requested_reviewers": [author], "labels": [], "milestone": None, "head": side("changes", "e" * 40),
                             "base": side("main", "f" * 40), "_links": links, "author_association": "OWNER", "draft": False,
                             "merged": False, "mergeable": None, "comments": 0, "commits": 1, "additions": 1, "deletions": 1},
            "repository": repo, "sender": author}


def small():
    body = {"action": "opened", "number": 2, "pull_request": {"title": "Update the README", "draft": False}, "note": ""}
    body["note"] = "x" * (300 - len(compact(body)))
    return compact(body)


def large():
    if EXAMPLES.exists():
        for event in json.loads(EXAMPLES.read_text()):
            if event["name"] == "pull_request":
                for example in event["examples"]:
                    if example.get("action") == "opened" and 20_000 < len(compact(example)) < 24_000:
                        return compact(example), "@octokit/webhooks-examples"
    return compact(pull_request()), "made here"
