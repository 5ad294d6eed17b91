"""The part of GitHub's public GraphQL schema that the sandbox serves: names, arguments and nullability are GitHub's."""

from __future__ import annotations

__all__ = ["SDL"]

SDL = """
schema { query: Query }

scalar DateTime
scalar URI

interface Node { id: ID! }
interface RepositoryOwner { id: ID! login: String! url: URI! }

enum IssueOrderField { COMMENTS CREATED_AT UPDATED_AT }
enum IssueState { CLOSED OPEN }
enum IssueStateReason { COMPLETED DUPLICATE NOT_PLANNED REOPENED }
enum MilestoneOrderField { CREATED_AT DUE_DATE NUMBER UPDATED_AT }
enum MilestoneState { CLOSED OPEN }
enum OrderDirection { ASC DESC }
enum PullRequestState { CLOSED MERGED OPEN }

enum IssueTimelineItemsItemType {
  CLOSED_EVENT
  DEMILESTONED_EVENT
  MILESTONED_EVENT
  PARENT_ISSUE_ADDED_EVENT
  PARENT_ISSUE_REMOVED_EVENT
  REOPENED_EVENT
  TRANSFERRED_EVENT
}
enum PullRequestTimelineItemsItemType {
  CLOSED_EVENT
  DEMILESTONED_EVENT
  MERGED_EVENT
  MILESTONED_EVENT
  REOPENED_EVENT
  TRANSFERRED_EVENT
}

input IssueFilters { labels: [String!] since: DateTime states: [IssueState!] }
input IssueOrder { direction: OrderDirection! field: IssueOrderField! }
input MilestoneOrder { direction: OrderDirection! field: MilestoneOrderField! }

type Query {
  node(id: ID!): Node
  nodes(ids: [ID!]!): [Node]!
  rateLimit(dryRun: Boolean = false): RateLimit
  repository(followRenames: Boolean = true, name: String!, owner: String!): Repository
  viewer: User!
}

type RateLimit { cost: Int! limit: Int! nodeCount: Int! remaining: Int! resetAt: DateTime! used: Int! }
type User implements Node & RepositoryOwner { id: ID! login: String! url: URI! }
type Organization implements Node & RepositoryOwner { id: ID! login: String! url: URI! }
type PageInfo { endCursor: String hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String }

type Repository implements Node {
  createdAt: DateTime!
  databaseId: Int
  id: ID!
  isPrivate: Boolean!
  milestone(number: Int!): Milestone
  milestones(
    after: String
    before: String
    first: Int
    last: Int
    orderBy: MilestoneOrder
    query: String
    states: [MilestoneState!]
  ): MilestoneConnection
  name: String!
  nameWithOwner: String!
  owner: RepositoryOwner!
  url: URI!
}

type Milestone implements Node {
  closed: Boolean!
  closedAt: DateTime
  createdAt: DateTime!
  description: String
  dueOn: DateTime
  id: ID!
  issues(
    after: String
    before: String
    filterBy: IssueFilters
    first: Int
    labels: [String!]
    last: Int
    orderBy: IssueOrder
    states: [IssueState!]
  ): IssueConnection!
  number: Int!
  progressPercentage: Float!
  pullRequests(
    after: String
    before: String
    first: Int
    labels: [String!]
    last: Int
    orderBy: IssueOrder
    states: [PullRequestState!]
  ): PullRequestConnection!
  repository: Repository!
  state: MilestoneState!
  title: String!
  updatedAt: DateTime!
  url: URI!
}

type Issue implements Node {
  closed: Boolean!
  closedAt: DateTime
  createdAt: DateTime!
  databaseId: Int
  id: ID!
  issueType: IssueType
  labels(after: String before: String first: Int last: Int): LabelConnection
  milestone: Milestone
  number: Int!
  parent: Issue
  projectItems(
    after: String
    before: String
    first: Int
    includeArchived: Boolean = true
    last: Int
  ): ProjectV2ItemConnection!
  repository: Repository!
  state: IssueState!
  stateReason(enableDuplicate: Boolean = false): IssueStateReason
  subIssuesSummary: SubIssuesSummary!
  timelineItems(
    after: String
    before: String
    first: Int
    itemTypes: [IssueTimelineItemsItemType!]
    last: Int
    since: DateTime
  ): IssueTimelineItemsConnection!
  title: String!
  updatedAt: DateTime!
  url: URI!
}

type PullRequest implements Node {
  closed: Boolean!
  closedAt: DateTime
  createdAt: DateTime!
  databaseId: Int
  id: ID!
  labels(after: String before: String first: Int last: Int): LabelConnection
  merged: Boolean!
  mergedAt: DateTime
  milestone: Milestone
  number: Int!
  projectItems(
    after: String
    before: String
    first: Int
    includeArchived: Boolean = true
    last: Int
  ): ProjectV2ItemConnection!
  repository: Repository!
  state: PullRequestState!
  timelineItems(
    after: String
    before: String
    first: Int
    itemTypes: [PullRequestTimelineItemsItemType!]
    last: Int
    since: DateTime
  ): PullRequestTimelineItemsConnection!
  title: String!
  updatedAt: DateTime!
  url: URI!
}

type IssueType implements Node { id: ID! isEnabled: Boolean! name: String! }
type Label implements Node { color: String! id: ID! name: String! }
type ProjectV2 implements Node { closed: Boolean! id: ID! number: Int! }
type ProjectV2Item implements Node {
  fieldValueByName(name: String!): ProjectV2ItemFieldValue
  id: ID!
  project: ProjectV2!
}
type ProjectV2ItemFieldNumberValue implements Node { id: ID! number: Float }
type ProjectV2ItemFieldTextValue implements Node { id: ID! text: String }
union ProjectV2ItemFieldValue = ProjectV2ItemFieldNumberValue | ProjectV2ItemFieldTextValue
type SubIssuesSummary { completed: Int! percentCompleted: Int! total: Int! }

type MilestoneConnection { edges: [MilestoneEdge] nodes: [Milestone] pageInfo: PageInfo! totalCount: Int! }
type MilestoneEdge { cursor: String! node: Milestone }
type IssueConnection { edges: [IssueEdge] nodes: [Issue] pageInfo: PageInfo! totalCount: Int! }
type ProjectV2ItemConnection {
  edges: [ProjectV2ItemEdge]
  nodes: [ProjectV2Item]
  pageInfo: PageInfo!
  totalCount: Int!
}
type ProjectV2ItemEdge { cursor: String! node: ProjectV2Item }
type IssueEdge { cursor: String! node: Issue }
type PullRequestConnection { edges: [PullRequestEdge] nodes: [PullRequest] pageInfo: PageInfo! totalCount: Int! }
type PullRequestEdge { cursor: String! node: PullRequest }
type LabelConnection { edges: [LabelEdge] nodes: [Label] pageInfo: PageInfo! totalCount: Int! }
type LabelEdge { cursor: String! node: Label }

union IssueTimelineItems =
    ClosedEvent | DemilestonedEvent | MilestonedEvent | ParentIssueAddedEvent | ParentIssueRemovedEvent
  | ReopenedEvent | TransferredEvent
union PullRequestTimelineItems =
    ClosedEvent | DemilestonedEvent | MergedEvent | MilestonedEvent | ReopenedEvent | TransferredEvent
type ClosedEvent implements Node { createdAt: DateTime! id: ID! stateReason: IssueStateReason }
type DemilestonedEvent implements Node { createdAt: DateTime! id: ID! milestoneTitle: String! }
type MergedEvent implements Node { createdAt: DateTime! id: ID! }
type MilestonedEvent implements Node { createdAt: DateTime! id: ID! milestoneTitle: String! }
type ParentIssueAddedEvent implements Node { createdAt: DateTime! id: ID! parent: Issue }
type ParentIssueRemovedEvent implements Node { createdAt: DateTime! id: ID! parent: Issue }
type ReopenedEvent implements Node { createdAt: DateTime! id: ID! stateReason: IssueStateReason }
type TransferredEvent implements Node { createdAt: DateTime! id: ID! }
type IssueTimelineItemsConnection { nodes: [IssueTimelineItems] pageInfo: PageInfo! totalCount: Int! }
type PullRequestTimelineItemsConnection { nodes: [PullRequestTimelineItems] pageInfo: PageInfo! totalCount: Int! }
"""
