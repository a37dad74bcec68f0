package forge

import (
	"fmt"
	"strings"
)

// The documents name only fields that github.com and Enterprise Server both
// have. Of a pull request the last commit is asked for its checks, as the
// pull request's own field for that is younger.

// pullFields is what a row about a pull request shows. Reviews are those of
// people who may write: anybody may approve a public repository's pull request.
const pullFields = `fragment pull on PullRequest {
  number url title state isDraft
  author { login }
  baseRefName headRefName headRefOid
  isCrossRepository headRepositoryOwner { login }
  createdAt updatedAt mergedAt
  mergedBy { login }
  mergeCommit { oid }
  latestOpinionatedReviews(first: 50, writersOnly: true) {
    nodes { state submittedAt author { login } commit { oid } }
  }
  commits(last: 1) { nodes { commit { oid statusCheckRollup { state } } } }
}
`

// proposalFields is what is known of an open pull request besides.
const proposalFields = `fragment proposal on PullRequest {
  body mergeable changedFiles
  files(first: 100) { pageInfo { hasNextPage } nodes { path changeType } }
}
`

const openDocument = `query($owner: String!, $name: String!, $base: String, $first: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    pullRequests(states: [OPEN], baseRefName: $base, first: $first, after: $after, orderBy: {field: CREATED_AT, direction: DESC}) {
      pageInfo { hasNextPage endCursor }
      nodes { ...pull ...proposal }
    }
  }
}
` + pullFields + proposalFields

const getDocument = `query($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) { ...pull ...proposal }
  }
}
` + pullFields + proposalFields

const viewerDocument = `query { viewer { login } }`

// originsDocument asks for the pull requests of n commits, $c0 and on, each
// under an alias of the same name.
func originsDocument(n int) string {
	var vars, fields strings.Builder
	for i := range n {
		fmt.Fprintf(&vars, ", $c%d: GitObjectID!", i)
		fmt.Fprintf(&fields, "    c%d: object(oid: $c%d) { ...origin }\n", i, i)
	}
	return "query($owner: String!, $name: String!" + vars.String() + `) {
  repository(owner: $owner, name: $name) {
` + fields.String() + `  }
}
fragment origin on Commit {
  associatedPullRequests(first: 5) { nodes { ...pull } }
}
` + pullFields
}

// checksDocument asks for the single checks of n pull requests, $n0 and on.
// It is a query of its own because fine-grained tokens have no permission to
// read checks, and because their many nodes make GitHub time out first.
func checksDocument(n int) string {
	var vars, fields strings.Builder
	for i := range n {
		fmt.Fprintf(&vars, ", $n%d: Int!", i)
		fmt.Fprintf(&fields, "    p%d: pullRequest(number: $n%d) { ...checks }\n", i, i)
	}
	return "query($owner: String!, $name: String!" + vars.String() + `) {
  repository(owner: $owner, name: $name) {
` + fields.String() + `  }
}
fragment checks on PullRequest {
  commits(last: 1) { nodes { commit {
    oid
    statusCheckRollup { contexts(first: 60) {
      totalCount
      nodes {
        __typename
        ... on CheckRun { name status conclusion title detailsUrl }
        ... on StatusContext { context state description targetUrl }
      }
    } }
  } } }
}
`
}
